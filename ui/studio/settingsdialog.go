package studio

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
	"maquette/projects/settings"
	"maquette/ui/explain"
	"maquette/ui/panels"
	uitheme "maquette/ui/theme"
)

// providerChoices are the execution providers on offer as settings store them:
// none for the automatic choice, the CPU alone, and those of GPUs in the order
// in which the automatic choice tries them.
func providerChoices() [][]string { return [][]string{nil, {"CPU"}, {"CUDA"}, {"WebGPU"}} }

func providerName(p []string) string {
	switch {
	case len(p) == 0:
		return lang.L("Automatic")
	case slices.Equal(p, []string{"CPU"}):
		return "CPU"
	}
	return lang.L("GPU ({{.Name}})", map[string]any{"Name": strings.Join(p, ", ")})
}

// showSettings lets the user change the settings; they are used at once.
func (s *studio) showSettings() {
	set := s.settings
	languageNames := []string{lang.L("Like the system")}
	for _, l := range languages() {
		languageNames = append(languageNames, l.name)
	}
	pickLanguage := widget.NewSelect(languageNames, nil)
	pickLanguage.SetSelectedIndex(slices.IndexFunc(languages(), func(l language) bool { return l.tag == set.Language }) + 1)
	pickLanguage.OnChanged = func(string) {
		set.Language = ""
		if i := pickLanguage.SelectedIndex(); i > 0 {
			set.Language = languages()[i-1].tag
		}
	}
	modes := []uitheme.Mode{uitheme.Dark, uitheme.Light, uitheme.System}
	pickTheme := widget.NewSelect([]string{lang.L("Dark"), lang.L("Light"), lang.L("Like the system")}, nil)
	pickTheme.SetSelectedIndex(max(slices.Index(modes, uitheme.Mode(set.Theme)), 0))
	pickTheme.OnChanged = func(string) { set.Theme = string(modes[pickTheme.SelectedIndex()]) }

	scales := []float32{0.85, 1, 1.15, 1.3, 1.5, 1.75, 2}
	var scaleNames []string
	for _, v := range scales {
		scaleNames = append(scaleNames, fmt.Sprintf("%.0f %%", v*100))
	}
	pickScale := widget.NewSelect(scaleNames, nil)
	pickScale.SetSelectedIndex(max(slices.Index(scales, set.UIScale), 0))
	if set.UIScale == 0 {
		pickScale.SetSelectedIndex(1)
	}
	pickScale.OnChanged = func(string) { set.UIScale = scales[pickScale.SelectedIndex()] }

	var providerNames []string
	for _, p := range providerChoices() {
		providerNames = append(providerNames, providerName(p))
	}
	pickProvider := widget.NewSelect(providerNames, nil)
	known := slices.IndexFunc(providerChoices(), func(p []string) bool { return slices.Equal(p, set.Providers) })
	if known < 0 {
		pickProvider.PlaceHolder = providerName(set.Providers)
	} else {
		pickProvider.SetSelectedIndex(known)
	}
	pickProvider.OnChanged = func(string) { set.Providers = providerChoices()[pickProvider.SelectedIndex()] }

	folders := newFolderList(s, slices.Clone(set.ModelFolders))
	form := widget.NewForm(
		widget.NewFormItem(lang.L("Language"), pickLanguage),
		widget.NewFormItem(lang.L("Theme"), pickTheme),
		widget.NewFormItem(lang.L("Size of texts"), pickScale),
		widget.NewFormItem(lang.L("Compute with"), container.NewVBox(pickProvider, s.providerReport())),
		widget.NewFormItem(lang.L("Precision"), pickPrecision(&set)),
		widget.NewFormItem(lang.L("Memory for models"), pickMemory(&set)),
		widget.NewFormItem(lang.L("Model folders"), folders.object),
	)
	d := dialog.NewCustomConfirm(lang.L("Settings"), lang.L("Save"), lang.L("Cancel"), container.NewVScroll(form), func(ok bool) {
		if ok {
			set.ModelFolders = folders.dirs
			s.applySettings(set)
		}
	}, s.window)
	size := s.window.Canvas().Size()
	d.Resize(fyne.NewSize(min(size.Width*0.9, 620), min(size.Height*0.85, 440)))
	s.showClosable(d)
}

// providerReport asks on demand which providers work on this machine.
func (s *studio) providerReport() fyne.CanvasObject {
	report := widget.NewLabel("")
	report.Wrapping = fyne.TextWrapWord
	report.Importance = widget.LowImportance
	report.Hide()
	ask := widget.NewButton(lang.L("See what this machine can do"), nil)
	ask.OnTapped = func() {
		ask.Disable()
		report.SetText(lang.L("Trying…"))
		report.Show()
		go func() {
			list, err := s.engine.Providers(s.ctx)
			s.post(func() {
				ask.Enable()
				report.SetText(providerText(list, err))
			})
		}()
	}
	return container.NewVBox(container.NewHBox(ask), report)
}

func providerText(list []inference.ProviderStatus, err error) string {
	if err != nil {
		return explain.Error(err)
	}
	var lines []string
	for _, p := range list {
		mark := "✓"
		if !p.OK {
			mark = "–"
		}
		lines = append(lines, fmt.Sprintf("%s %s  %s", mark, p.Name, p.Reason))
	}
	return strings.Join(lines, "\n")
}

// folderList edits the folders of the model library.
type folderList struct {
	dirs   []string
	rows   *fyne.Container
	object fyne.CanvasObject
}

func newFolderList(s *studio, dirs []string) *folderList {
	l := &folderList{dirs: dirs, rows: container.NewVBox()}
	add := widget.NewButton(lang.L("Add folder…"), func() {
		s.picker.Folder(lang.L("Folder with checkpoints and ControlNets"), func(dir string, err error) {
			if err != nil {
				s.fail(lang.L("The file dialog could not be shown"), err)
			} else if dir != "" && !slices.Contains(l.dirs, dir) {
				l.dirs = append(l.dirs, dir)
				l.show()
			}
		})
	})
	l.object = container.NewVBox(l.rows, container.NewHBox(add))
	l.show()
	return l
}

func (l *folderList) show() {
	l.rows.RemoveAll()
	for i, dir := range l.dirs {
		name := widget.NewLabel(dir)
		name.Truncation = fyne.TextTruncateEllipsis
		remove := widget.NewButton(lang.L("Remove"), func() {
			l.dirs = slices.Delete(slices.Clone(l.dirs), i, i+1)
			l.show()
		})
		remove.Importance = widget.LowImportance
		l.rows.Add(container.NewBorder(nil, nil, nil, remove, name))
	}
	l.object.Refresh()
}

// applySettings uses and stores changed settings.
func (s *studio) applySettings(set settings.Settings) {
	old := s.settings
	s.settings = set
	s.storeSettings()
	if old.Theme != set.Theme || old.UIScale != set.UIScale {
		s.theme = uitheme.New(uitheme.Mode(set.Theme), set.UIScale)
		s.app.Settings().SetTheme(s.theme)
	}
	if !slices.Equal(old.ModelFolders, set.ModelFolders) {
		s.models.Replace(set)
		s.findCheckpoints()
	}
	if !slices.Equal(old.Providers, set.Providers) || old.Precision != set.Precision || old.MemoryMB != set.MemoryMB {
		go s.engine.Replace(set)
	}
	if old.Language != set.Language {
		useLanguage(set.Language)
		s.rebuild()
	} else if s.work == nil {
		s.showHome()
	}
}

// rebuild makes every text of the window anew, after a change of the language.
func (s *studio) rebuild() {
	dir := ""
	if s.work != nil {
		dir = s.work.project.Dir()
	}
	s.leaveProject(func(err error) {
		s.fail(saveFailed(), err)
		s.build()
		if dir != "" {
			s.openProject(dir)
		}
	})
}

// addModelFolder lets the user choose a folder of models.
func (s *studio) addModelFolder() {
	s.picker.Folder(lang.L("Folder with checkpoints and ControlNets"), func(dir string, err error) {
		if err != nil {
			s.fail(lang.L("The file dialog could not be shown"), err)
			return
		}
		if dir == "" || slices.Contains(s.settings.ModelFolders, dir) {
			return
		}
		set := s.settings
		set.ModelFolders = append(slices.Clone(set.ModelFolders), dir)
		s.applySettings(set)
	})
}

// findCheckpoints looks for checkpoints in the background.
func (s *studio) findCheckpoints() {
	s.looking = true
	starter := panels.Choice{Path: projects.StarterCheckpoint, Name: lang.L("Starter model")}
	if len(s.checkpoints) == 0 {
		s.checkpoints = []panels.Choice{starter}
		s.starterOnly = true
	}
	go func() {
		list, err := s.models.Checkpoints(s.ctx)
		all, starterOnly := choices(list, starter)
		s.post(func() {
			s.looking = false
			s.libraryTurn++
			if err != nil {
				if s.ctx.Err() == nil {
					s.log.Warn("model library", "error", err)
					s.toasts.show(lang.L("Some model folders could not be read: {{.Error}}", map[string]any{"Error": explain.Error(err)}), "", nil)
				}
			}
			s.checkpoints, s.starterOnly = all, starterOnly
			if s.work != nil {
				s.work.show()
			}
		})
	}()
}

// choiceOf describes a model. It asks the disk for the picture beside it, so it
// is not for the UI goroutine.
func choiceOf(e checkpoint.Entry) panels.Choice {
	parts := []string{e.Family, e.Precision}
	if e.Bytes > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GB", float64(e.Bytes)/1e9))
	}
	return panels.Choice{
		Path: e.Path, Name: e.Name, Preview: e.Preview(),
		Detail: strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " · "),
	}
}

// choices turns the library's entries into what the inspector offers.
func choices(list []checkpoint.Entry, starter panels.Choice) (all []panels.Choice, starterOnly bool) {
	all, starterOnly = []panels.Choice{starter}, true
	for _, e := range list {
		if e.Path == projects.StarterCheckpoint {
			continue
		}
		c := choiceOf(e)
		if e.Reason != "" {
			c.Note = lang.L("can't be used")
		} else {
			starterOnly = false
		}
		all = append(all, c)
	}
	return all, starterOnly
}
