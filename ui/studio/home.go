package studio

import (
	"context"
	"image"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/assets"
	"maquette/control"
	"maquette/projects"
)

// homeThumb is the size of a project's picture on the home page in pixels.
const homeThumb = 320

// home is the page without a project.
type home struct {
	s      *studio
	recent *fyne.Container
	object fyne.CanvasObject
}

func newHome(s *studio) *home {
	h := &home{s: s}
	title := widget.NewLabelWithStyle("Maquette", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	title.SizeName = theme.SizeNameHeadingText
	claim := widget.NewLabel(lang.L("Draw it. See it. All on your own machine."))
	claim.Importance = widget.LowImportance
	logo := canvas.NewImageFromResource(s.app.Icon())
	logo.FillMode = canvas.ImageFillContain
	logo.SetMinSize(fyne.NewSquareSize(56))
	draw := widget.NewButtonWithIcon(lang.L("New drawing"), icon("pencil.svg"), s.newDrawing)
	draw.Importance = widget.HighImportance
	fromImage := widget.NewButtonWithIcon(lang.L("New from image…"), theme.FileImageIcon(), s.newFromImage)
	open := widget.NewButtonWithIcon(lang.L("Open project…"), theme.FolderOpenIcon(), s.chooseProject)
	settings := widget.NewButtonWithIcon(lang.L("Settings"), theme.SettingsIcon(), s.showSettings)
	settings.Importance = widget.LowImportance
	head := container.NewBorder(nil, nil, logo, container.NewCenter(settings),
		container.New(layout.NewCustomPaddedVBoxLayout(-8), title, claim))
	buttons := container.NewHBox(draw, fromImage, open)
	h.recent = container.New(layout.NewGridWrapLayout(fyne.NewSize(216, 224)))
	page := container.NewVBox(head, spacer(16), buttons, spacer(16), heading(lang.L("Recent projects")))
	if len(s.settings.Recent) == 0 {
		empty := widget.NewLabel(lang.L("Your projects appear here. Start a drawing, or try one of the samples."))
		empty.Importance = widget.LowImportance
		page.Add(empty)
	} else {
		page.Add(h.recent)
	}
	page.Add(spacer(16))
	page.Add(heading(lang.L("Samples")))
	page.Add(h.samples())
	h.object = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(32, 32, 48, 48), page))
	h.fillRecent()
	return h
}

func spacer(height float32) fyne.CanvasObject {
	r := canvas.NewRectangle(nil)
	r.SetMinSize(fyne.NewSize(1, height))
	return r
}

func heading(text string) fyne.CanvasObject {
	l := widget.NewLabelWithStyle(text, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	l.SizeName = theme.SizeNameSubHeadingText
	return l
}

// samples are the bundled sketches.
func (h *home) samples() fyne.CanvasObject {
	row := container.New(layout.NewGridWrapLayout(fyne.NewSize(216, 224)))
	list, err := assets.SampleList()
	if err != nil {
		h.s.log.Error("sample sketches", "error", err)
	}
	for _, sample := range list {
		t := newTile(lang.L(sample.Name), func() { h.s.openSample(sample) })
		row.Add(t)
		go func() {
			f, err := assets.Samples().Open(sample.ID + ".png")
			if err != nil {
				return // the tile keeps its name
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return
			}
			img, err := control.DecodeImage(f, info.Size())
			if err != nil {
				return
			}
			h.s.post(func() { t.show(img) })
		}()
	}
	return row
}

// fillRecent shows the recent projects; their pictures come one after the other.
func (h *home) fillRecent() {
	tiles := map[string]*tile{}
	dirs := h.s.settings.Recent[:min(len(h.s.settings.Recent), 12)]
	for _, dir := range dirs {
		t := newTile(filepath.Base(dir), func() { h.s.openProject(dir) })
		tiles[dir] = t
		h.recent.Add(t)
	}
	ctx := h.s.ctx
	go func() {
		for _, dir := range dirs {
			if ctx.Err() != nil {
				return
			}
			name, img, err := glimpse(ctx, dir)
			t := tiles[dir]
			h.s.post(func() {
				switch {
				case err != nil:
					t.setNote(lang.L("can't be opened"))
				default:
					t.setName(name)
					t.show(img)
				}
			})
		}
	}()
}

// glimpse reads a project's name and newest picture: a concept, or else a sketch.
func glimpse(ctx context.Context, dir string) (string, image.Image, error) {
	p, err := projects.OpenReadOnly(ctx, dir)
	if err != nil {
		return "", nil, err
	}
	defer p.Close()
	if list, _, err := p.Concepts(ctx, projects.Query{Limit: 1}); err == nil && len(list) > 0 {
		if img, err := p.Thumbnail(ctx, list[0].ID, homeThumb); err == nil {
			return p.Name(), img, nil
		}
	}
	if list, err := p.Sketches(ctx); err == nil && len(list) > 0 {
		if img, err := p.SketchThumbnail(ctx, list[0].ID, homeThumb); err == nil {
			return p.Name(), img, nil
		}
	}
	return p.Name(), nil, nil
}
