package studio

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"strings"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/explain"
	"maquette/ui/filepicker"
	"maquette/ui/panels"
	uitheme "maquette/ui/theme"
	"maquette/ui/tooltip"
)

const (
	// reliefSide is the longer side, in pixels, of the page that the turntable lifts.
	reliefSide = 512
	// movingSide is that of the pictures while the pointer turns the table.
	movingSide = 288
	partsWidth = 232 // units
	keyTurn    = math.Pi / 12
)

// viewsPane lifts the drawing to a body, shows it on a turntable, and lets the
// user say what its parts are.
type viewsPane struct {
	w       *workspace
	table   *turntable
	look    *widget.Select
	angle   *widget.Label
	hint    *widget.Label
	parts   *partsMap
	export  *widget.Button
	draws   *widget.Button // opens the drawing of the view that is shown
	named   map[views.Name]*widget.Button
	face    *fyne.Container   // turning, or the surface of drawn
	turning fyne.CanvasObject // the turntable
	object  fyne.CanvasObject
	lifting latest
	drawing latest

	body    *body
	stale   bool         // the drawing has changed since body was lifted
	side    string       // that the drawing was taken to show when body was lifted
	drawn   *viewDrawing // the view that is being drawn, or nil
	storing sync.Mutex   // held while a view's drawing is written
	stores  sync.WaitGroup
}

// body is a lifted drawing; it is not changed once it is made.
type body struct {
	relief *views.Relief
	span   float64 // world units that the picture shows, the same from all sides
}

// camera returns the camera at angles in radians that shows a body in a picture of size.
func (b *body) camera(azimuth, elevation float64, size image.Point) views.Camera {
	c := views.Camera{Azimuth: azimuth, Elevation: elevation, Field: views.DefaultField, Span: b.span}
	return c.Frame(b.relief.Mesh, size, projects.ViewFill)
}

// The looks of the turntable.
const (
	lookClay = iota
	lookLines
	lookDepth
	lookNormals
)

func newViewsPane(w *workspace) *viewsPane {
	p := &viewsPane{w: w, stale: true}
	p.table = newTurntable(p.draw)
	p.look = widget.NewSelect([]string{lang.L("Clay"), lang.L("Lines"), lang.L("Depth"), lang.L("Normals")}, func(string) { p.draw(false) })
	p.angle = widget.NewLabel("")
	p.angle.Importance = widget.LowImportance
	p.hint = widget.NewLabel("")
	p.hint.Alignment, p.hint.Importance, p.hint.Wrapping = fyne.TextAlignCenter, widget.LowImportance, fyne.TextWrapWord
	p.parts = newPartsMap(p.askReading)
	p.export = widget.NewButtonWithIcon(lang.L("Export the model…"), theme.DocumentSaveIcon(), p.exportModel)
	p.export.Disable()

	p.draws = widget.NewButtonWithIcon(lang.L("Draw this view…"), icon("pencil.svg"), p.openDrawing)
	p.draws.Disable()
	p.named = map[views.Name]*widget.Button{}
	named := container.NewHBox()
	for _, name := range views.Names() {
		b := widget.NewButton(panels.ViewName(name), func() {
			if c, err := views.Named(name); err == nil {
				p.table.turnTo(c.Azimuth, c.Elevation, false)
			}
		})
		b.Importance = widget.LowImportance
		p.named[name] = b
		named.Add(b)
	}
	head := container.NewBorder(nil, nil, nil, container.NewHBox(p.angle, p.look), container.NewHScroll(named))
	title := widget.NewLabel(lang.L("How the drawing is read"))
	title.TextStyle.Bold = true
	help := widget.NewLabel(lang.L("Tap a part to say what it is: round, flat, a box, or turned on a lathe."))
	help.Wrapping, help.Importance = fyne.TextWrapWord, widget.LowImportance
	side := container.NewBorder(container.NewVBox(title, help), container.NewVBox(
		tooltip.New(p.draws, lang.L("Draw this side yourself: your lines are used in place of the lifted ones")),
		tooltip.New(p.export, lang.L("Save the body as glTF or OBJ for a 3-D program"))), nil, nil, p.parts)
	p.turning = container.NewBorder(container.NewPadded(head), nil, nil,
		container.New(fixedColumn(partsWidth), container.NewPadded(side)),
		container.NewStack(newGround(uitheme.ColorNameStage), container.NewPadded(p.table), container.New(middle{}, p.hint)))
	p.face = container.NewStack(p.turning)
	p.object = p.face
	c, err := views.Named(views.ThreeQuarterRight)
	if err == nil {
		p.table.azimuth, p.table.elevation = c.Azimuth, c.Elevation
	}
	p.look.SetSelectedIndex(lookClay)
	return p
}

// fixedColumn gives its object a width in units and all the height there is.
type fixedColumn float32

// Layout implements fyne.Layout.
func (w fixedColumn) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

// MinSize implements fyne.Layout.
func (w fixedColumn) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(float32(w), objects[0].MinSize().Height)
}

// update lifts the drawing anew when the pane can be seen and the drawing has
// changed. The newest call wins.
func (p *viewsPane) update() {
	r := p.w.state.Recipe()
	size := scaled(image.Pt(r.Width, r.Height), reliefSide)
	side := string(views.Front)
	if r.Views != nil && r.Views.Drawn != "" {
		side = r.Views.Drawn
	}
	if p.body != nil && p.body.relief.Size != size || p.side != side {
		p.stale = true
	}
	if !p.w.view.visible(paneViews) || !p.stale {
		return
	}
	if !p.w.hasDrawing() {
		p.lifting.Cancel()
		p.clear(lang.L("Draw a closed shape to see it from every side."))
		return
	}
	doc, v, models := p.w.pad.Document(), r.Views, p.w.s.models
	if v == nil { // what the user said of the drawing counts here too
		v = &projects.Views{Drawn: side, Readings: p.w.state.readings}
	}
	if p.body == nil {
		p.hint.SetText(lang.L("Lifting the drawing…"))
	}
	p.stale, p.side = false, side
	p.lifting.Start(func(ctx context.Context) {
		page := input(doc, size)
		b, err := lift(ctx, page, size, v, models)
		p.w.s.post(func() {
			switch {
			case ctx.Err() != nil || errors.Is(err, context.Canceled):
			case err != nil:
				p.clear(explain.Error(err))
			default:
				p.lifted(b, page)
			}
		})
	})
}

// changed follows a change of the drawing.
func (p *viewsPane) changed() {
	p.stale = true
	p.update()
}

// close stores the view that is being drawn and ends all work in the background.
func (p *viewsPane) close() {
	p.finishDrawing()
	p.lifting.Cancel()
	p.drawing.Cancel()
}

// scaled returns a size of the same shape whose longer side is side, at least 64 pixels each way.
func scaled(size image.Point, side int) image.Point {
	longer := max(size.X, size.Y)
	return image.Pt(max(size.X*side/longer, 64), max(size.Y*side/longer, 64))
}

// lift makes the body of a drawing as the views of a recipe will see it.
func lift(ctx context.Context, page image.Image, size image.Point, v *projects.Views, models projects.Models) (*body, error) {
	relief, err := projects.LiftSketch(ctx, page, size, v, projects.PhotoDepthOf(models), func(string) {})
	if err != nil {
		return nil, err
	}
	return &body{relief, relief.Span(nil, projects.ViewFill)}, nil
}

func (p *viewsPane) lifted(b *body, page image.Image) {
	p.body = b
	p.hint.SetText("")
	p.parts.show(page, b.relief.Size, b.relief.Parts)
	p.export.Enable()
	if !p.w.project.ReadOnly() {
		p.draws.Enable()
	}
	p.markDrawn()
	p.draw(false)
}

// clear shows a sentence in place of the body.
func (p *viewsPane) clear(why string) {
	p.drawing.Cancel()
	p.body, p.stale = nil, true
	p.hint.SetText(why)
	p.table.show(nil)
	p.parts.show(nil, image.Point{}, nil)
	p.export.Disable()
	p.draws.Disable()
	p.angle.SetText("")
}

// draw shows the body as the turntable's camera sees it, smaller while it moves.
func (p *viewsPane) draw(moving bool) {
	if p.body == nil {
		return
	}
	degrees := func(radians float64) string { return fmt.Sprintf("%.0f°", radians*180/math.Pi) }
	p.angle.SetText(lang.L("azimuth {{.Azimuth}}, elevation {{.Elevation}}", map[string]any{
		"Azimuth": degrees(p.table.azimuth), "Elevation": degrees(p.table.elevation)}))
	size := p.body.relief.Size
	if moving {
		size = scaled(size, movingSide)
	}
	b, c, look := p.body, p.body.camera(p.table.azimuth, p.table.elevation, size), p.look.SelectedIndex()
	p.drawing.Start(func(ctx context.Context) {
		made, err := views.Render(ctx, b.relief.Mesh, c, size, views.Style{})
		var img image.Image
		if err == nil {
			img = looked(made, look)
		}
		p.w.s.post(func() {
			switch {
			case p.body != b || errors.Is(err, context.Canceled):
			case err != nil:
				p.w.s.fail(lang.L("The view could not be drawn"), err)
			default:
				p.table.show(img)
			}
		})
	})
}

// looked is one of the looks of a view.
func looked(v *views.Images, look int) image.Image {
	switch look {
	case lookLines:
		return v.Lines
	case lookDepth:
		return v.Depth
	case lookNormals:
		return v.Normal
	}
	return clay(v)
}

// askReading offers the readings of a part.
func (p *viewsPane) askReading(part views.Part, at fyne.Position) {
	var items []*fyne.MenuItem
	for _, reading := range append([]views.Reading{views.Auto}, views.Readings()...) {
		item := fyne.NewMenuItem(panels.ReadingName(reading), func() { p.read(part.ID, reading) })
		item.Checked = part.Told && reading == part.Reading || !part.Told && reading == views.Auto
		items = append(items, item)
	}
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), p.w.s.window.Canvas(), at)
}

// read sets what a part is; Auto lets it be found again.
func (p *viewsPane) read(id views.RegionID, reading views.Reading) {
	p.w.state.SetReading(id, reading)
	p.w.draftWait.Touch()
	p.changed()
}

// handleKey turns the table with the arrow keys.
func (p *viewsPane) handleKey(name fyne.KeyName) bool {
	turn := map[fyne.KeyName][2]float64{fyne.KeyLeft: {-1, 0}, fyne.KeyRight: {1, 0}, fyne.KeyUp: {0, 1}, fyne.KeyDown: {0, -1}}
	by, ok := turn[name]
	if !ok || p.body == nil {
		return false
	}
	p.table.turnTo(p.table.azimuth+by[0]*keyTurn, p.table.elevation+by[1]*keyTurn, false)
	return true
}

// exportModel saves the body as it was lifted.
func (p *viewsPane) exportModel() {
	b := p.body
	if b == nil {
		return
	}
	s := p.w.s
	filter := filepicker.Filter{Name: lang.L("3-D models"), Extensions: []string{"glb", "obj"}}
	s.picker.Save(lang.L("Export the model"), p.w.project.Name()+".glb", filter, func(path string, err error) {
		if err != nil {
			s.fail(lang.L("The file dialog could not be shown"), err)
			return
		}
		if path == "" {
			return
		}
		write := b.relief.Mesh.WriteGLB
		switch strings.ToLower(filepath.Ext(path)) {
		case ".obj":
			write = b.relief.Mesh.WriteOBJ
		case ".glb":
		default:
			path += ".glb"
		}
		s.wait(lang.L("Writing {{.Name}}…", map[string]any{"Name": filepath.Base(path)}), func(context.Context) error {
			return projects.WriteFile(path, write)
		}, func(err error) {
			if err != nil {
				s.fail(lang.L("The model could not be saved"), err)
				return
			}
			s.toasts.show(lang.L("Saved as {{.Name}}.", map[string]any{"Name": filepath.Base(path)}), "", nil)
		})
	})
}
