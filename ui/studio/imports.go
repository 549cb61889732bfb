package studio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
	"golang.design/x/clipboard"

	"maquette/assets"
	"maquette/control"
	"maquette/ui/explain"
	"maquette/ui/filepicker"
)

func imageFilter() filepicker.Filter { return filepicker.Images(lang.L("Images")) }

func exportFilter() filepicker.Filter {
	return filepicker.Filter{Name: lang.L("Images"), Extensions: []string{"png", "jpg", "jpeg"}}
}

func randomSeed(n int64) int64 { return rand.Int64N(n) }

// isImage reports whether a file's name is that of an image.
func isImage(path string) bool {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	return slices.Contains(filepicker.Images("").Extensions, ext)
}

// chooseImage asks for an image file and reads it in the background.
func (s *studio) chooseImage(use func(path string)) {
	s.picker.Open(lang.L("Open image"), imageFilter(), func(path string, err error) {
		if err != nil {
			s.fail(lang.L("The file dialog could not be shown"), err)
		} else if path != "" {
			use(path)
		}
	})
}

// newFromImage makes a project of an image file.
func (s *studio) newFromImage() { s.chooseImage(s.projectOfImage) }

func (s *studio) projectOfImage(path string) {
	s.newProject(func(context.Context) (start, error) {
		img, err := control.OpenImage(path)
		if err != nil {
			return start{}, explain.At(path, err)
		}
		doc, err := documentOf(img)
		name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		return start{name: name, doc: doc}, err
	})
}

// openSample makes a project of a bundled sample, ready to render.
func (s *studio) openSample(sample assets.Sample) {
	name := lang.L(sample.Name)
	s.newProject(func(context.Context) (start, error) {
		f, err := assets.Samples().Open(sample.ID + ".png")
		if err != nil {
			return start{}, fmt.Errorf("read the sample: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return start{}, fmt.Errorf("read the sample: %w", err)
		}
		img, err := control.DecodeImage(f, info.Size())
		if err != nil {
			return start{}, fmt.Errorf("read the sample: %w", err)
		}
		doc, err := documentOf(img)
		return start{name: name, doc: doc, prompt: sample.Prompt}, err
	})
}

// importImage reads an image file for the open drawing.
func (s *studio) importImage(path string) {
	var img image.Image
	s.wait(lang.L("Reading {{.Name}}…", map[string]any{"Name": filepath.Base(path)}), func(context.Context) (err error) {
		img, err = control.OpenImage(path)
		return explain.At(path, err)
	}, func(err error) {
		if err != nil {
			s.fail(lang.L("The image could not be read"), err)
			return
		}
		if s.work != nil {
			s.work.askHowToUse(img, filepath.Base(path))
		}
	})
}

// askHowToUse puts an image into the drawing or under it.
func (w *workspace) askHowToUse(img image.Image, name string) {
	var d *dialog.CustomDialog
	choice := func(title, help string, do func()) fyne.CanvasObject {
		b := widget.NewButton(title, func() { d.Hide(); do(); w.showPane(paneSketch) })
		l := widget.NewLabel(help)
		l.Wrapping = fyne.TextWrapWord
		l.Importance = widget.LowImportance
		return container.NewVBox(b, l)
	}
	body := container.NewVBox(
		choice(lang.L("As the drawing"), lang.L("The controls read its lines; you can draw on it and erase it."), func() { w.pad.PasteImage(img) }),
		choice(lang.L("As an underlay"), lang.L("It lies under your drawing to trace; the controls do not see it."), func() { w.pad.SetUnderlay(img, 0.4) }),
	)
	d = dialog.NewCustom(lang.L("Use {{.Name}}", map[string]any{"Name": name}), lang.L("Cancel"), body, w.s.window)
	d.Resize(fyne.NewSize(420, 10))
	w.s.showClosable(d)
}

// dropped takes the first of the files that were dropped on the window.
func (s *studio) dropped(_ fyne.Position, uris []fyne.URI) {
	if len(uris) == 0 {
		return
	}
	path := filepath.FromSlash(uris[0].Path()) // one at a time
	switch {
	case filepath.Base(path) == "project.json":
		s.openProject(filepath.Dir(path))
	case isImage(path) && s.work != nil:
		s.importImage(path)
	case isImage(path):
		s.projectOfImage(path)
	default:
		s.fail(lang.L("The file can't be used"), errors.New(lang.L("{{.Name}} is neither an image nor a project.", map[string]any{"Name": filepath.Base(path)})))
	}
}

// pasteImage takes an image from the clipboard.
func (s *studio) pasteImage() {
	var img image.Image
	s.wait(lang.L("Reading the clipboard…"), func(context.Context) error {
		if err := clipboard.Init(); err != nil {
			return fmt.Errorf("use the clipboard: %w", err)
		}
		data := clipboard.Read(clipboard.FmtImage)
		if len(data) == 0 {
			return errNoImage
		}
		var err error
		img, err = control.DecodeImage(bytes.NewReader(data), int64(len(data)))
		return err
	}, func(err error) {
		switch {
		case errors.Is(err, errNoImage):
			s.toasts.show(lang.L("The clipboard holds no image."), "", nil)
		case err != nil:
			s.fail(lang.L("The image could not be pasted"), err)
		case s.work != nil:
			s.work.askHowToUse(img, lang.L("the image"))
		default:
			name := lang.L("Drawing")
			s.newProject(func(context.Context) (start, error) {
				doc, err := documentOf(img)
				return start{name: name, doc: doc}, err
			})
		}
	})
}

var errNoImage = errors.New("no image in the clipboard")
