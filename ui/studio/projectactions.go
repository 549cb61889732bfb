package studio

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/projects"
	"maquette/projects/settings"
	"maquette/ui/explain"
	"maquette/ui/filepicker"
	"maquette/ui/gallery"
	"maquette/ui/sketchpad"
)

// projectsRoot is where new projects are made.
func projectsRoot() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find your home folder: %w", err)
	}
	return filepath.Join(home, "Maquette"), nil
}

// freeFolder returns a folder under root that does not exist yet, named after name.
func freeFolder(root, name string) string {
	base := projects.FolderName(name)
	for i := 1; ; i++ {
		dir := filepath.Join(root, base)
		if i > 1 {
			dir += " " + strconv.Itoa(i)
		}
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return dir
		}
	}
}

// start is what a new project begins with.
type start struct {
	name   string
	doc    *sketchpad.Document
	prompt string
}

// newProject makes a project of what prepare returns and opens it.
func (s *studio) newProject(prepare func(ctx context.Context) (start, error)) {
	s.switchProject(func(ctx context.Context) (opened, error) {
		st, err := prepare(ctx)
		if err != nil {
			return opened{}, err
		}
		root, err := projectsRoot()
		if err != nil {
			return opened{}, err
		}
		dir := freeFolder(root, st.name)
		p, err := projects.Create(ctx, dir, filepath.Base(dir))
		if err != nil {
			return opened{}, fmt.Errorf("make the project %s: %w", dir, err)
		}
		o := opened{project: p, doc: st.doc}
		r := projects.DefaultRecipe()
		r.Prompt = st.prompt
		o.draft.Recipe = &r
		if st.doc != nil {
			o.sketch = projects.SketchInfo{ID: projects.NewSketchID(), Name: st.name}
			strokes, err := st.doc.MarshalJSON()
			if err == nil {
				err = p.SaveSketch(ctx, o.sketch.ID, st.name, strokes, st.doc.Render(st.doc.Size()))
			}
			if err != nil {
				return opened{}, errors.Join(fmt.Errorf("store the sketch: %w", err), p.Close())
			}
		}
		return o, nil
	})
}

// openProject opens the project in dir.
func (s *studio) openProject(dir string) {
	if s.work != nil && s.work.project.Dir() == dir {
		return
	}
	s.switchProject(func(ctx context.Context) (opened, error) {
		p, err := projects.Open(ctx, dir)
		if err != nil {
			return opened{}, explain.At(dir, fmt.Errorf("open %s: %w", dir, err))
		}
		o, err := openedProject(ctx, p)
		if err != nil {
			return opened{}, errors.Join(err, p.Close())
		}
		return o, nil
	})
}

// switchProject saves and closes the open project and shows the one that open returns.
func (s *studio) switchProject(open func(ctx context.Context) (opened, error)) {
	var o opened
	s.wait(lang.L("Opening the project…"), func(ctx context.Context) (err error) {
		o, err = open(ctx)
		return err
	}, func(err error) {
		if err != nil {
			s.fail(lang.L("The project could not be opened"), err)
			return
		}
		s.leaveProject(func(err error) {
			s.fail(saveFailed(), err)
			s.work = newWorkspace(s, o)
			s.addRecent(o.project.Dir())
			s.showView(s.work.view.object)
			s.work.pad.ZoomFit()
		})
	})
}

// leaveProject saves and closes the open project, if there is one.
func (s *studio) leaveProject(done func(error)) {
	w := s.work
	if w == nil {
		done(nil)
		return
	}
	s.work = nil
	w.close(done)
}

// closeProject goes back to the home page.
func (s *studio) closeProject() {
	s.leaveProject(func(err error) {
		s.fail(saveFailed(), err)
		s.window.SetTitle("Maquette")
		s.showHome()
	})
}

func (s *studio) showView(o fyne.CanvasObject) {
	s.body.Objects = []fyne.CanvasObject{o}
	s.body.Refresh()
	s.menusChanged()
}

func (s *studio) showHome() {
	s.home = newHome(s)
	s.showView(s.home.object)
}

// addRecent puts a project first in the list of recent ones.
func (s *studio) addRecent(dir string) {
	recent := slices.DeleteFunc(slices.Clone(s.settings.Recent), func(d string) bool { return d == dir })
	s.settings.Recent = append([]string{dir}, recent[:min(len(recent), 23)]...)
	s.storeSettings()
}

func (s *studio) storeSettings() {
	set := s.settings
	go func() {
		if err := settings.Save(set); err != nil {
			s.post(func() { s.fail(lang.L("The settings could not be saved"), err) })
		}
	}()
}

func (s *studio) recentItems() []*fyne.MenuItem {
	var items []*fyne.MenuItem
	for _, dir := range s.settings.Recent[:min(len(s.settings.Recent), 10)] {
		items = append(items, fyne.NewMenuItem(filepath.Base(dir), func() { s.openProject(dir) }))
	}
	return items
}

func (s *studio) newDrawing() {
	name := lang.L("Drawing")
	s.newProject(func(context.Context) (start, error) { return start{name: name}, nil })
}

func (s *studio) chooseProject() {
	s.picker.Folder(lang.L("Open project"), func(dir string, err error) {
		if err != nil {
			s.fail(lang.L("The file dialog could not be shown"), err)
		} else if dir != "" {
			s.openProject(dir)
		}
	})
}

func (s *studio) renameProject() {
	w := s.work
	if w == nil {
		return
	}
	name := widget.NewEntry()
	name.SetText(w.project.Name())
	name.Validator = projects.ValidateName
	d := dialog.NewForm(lang.L("Rename project"), lang.L("Rename"), lang.L("Cancel"),
		[]*widget.FormItem{widget.NewFormItem(lang.L("Name"), name)}, func(ok bool) {
			if !ok {
				return
			}
			text := name.Text
			go func() {
				err := w.project.SetName(s.ctx, text)
				s.post(func() {
					s.fail(lang.L("The project could not be renamed"), err)
					w.view.bar.show()
				})
			}()
		}, s.window)
	d.Resize(fyne.NewSize(420, 10))
	d.Show()
	s.window.Canvas().Focus(name)
}

// showFolder opens the project's folder in the system's file manager.
func (s *studio) showFolder() {
	if s.work == nil {
		return
	}
	u := &url.URL{Scheme: "file", Path: filepath.ToSlash(s.work.project.Dir())}
	go func() {
		if err := s.app.OpenURL(u); err != nil {
			s.post(func() { s.fail(lang.L("The folder could not be shown"), err) })
		}
	}()
}

func (w *workspace) galleryDeps() gallery.Deps {
	s := w.s
	return gallery.Deps{
		Window:   s.window,
		StarIcon: icon("star.svg"),
		UseRecipe: func(c projects.Concept) {
			w.withModels(c, func(r projects.Recipe) {
				before := w.state.Recipe()
				// What it starts from is the drawing's affair: a picture under it and a mask.
				r.Init, r.Inpaint = "", nil
				w.state.UseRecipe(r)
				w.state.seedLocked = true
				w.changed()
				s.toasts.show(lang.L("The recipe is in the inspector, with its seed locked."), lang.L("Undo"), func() {
					w.state.UseRecipe(before)
					w.state.seedLocked = false
					w.changed()
				})
			})
		},
		Again: func(c projects.Concept) {
			w.withModels(c, func(r projects.Recipe) {
				again := NewState(r)
				w.enqueue(again.Next(randomSeed))
			})
		},
		ChangePart:  w.changePart,
		UseAsSketch: func(img image.Image) { w.askHowToUse(img, lang.L("Concept")) },
		SaveFile: func(title, suggested string, extensions []string, done func(path string)) {
			s.picker.Save(title, suggested, filepicker.Filter{Name: lang.L("Files"), Extensions: extensions}, func(path string, err error) {
				if err != nil {
					s.fail(lang.L("The file dialog could not be shown"), err)
				} else if path != "" {
					done(path)
				}
			})
		},
		Toast:       s.toasts.show,
		Error:       s.fail,
		ShowGallery: func() { w.showPane(paneGallery) },
	}
}
