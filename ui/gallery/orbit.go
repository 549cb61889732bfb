package gallery

import (
	"cmp"
	"context"
	"image"
	"math"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/panels"
)

// dragOfView is how far, in units, the pointer drags from one view to the next.
const dragOfView = 60

// orbit shows the views of a set one at a time; the pointer or the arrow keys
// turn the object.
type orbit struct {
	g       *Gallery
	set     projects.Set
	members []projects.Concept
	others  []*widget.Select // one for each axis that is not the view, in their order
	axes    []int            // of others
	order   []int            // values of the view axis, once around the object
	at      int              // in order
	images  map[string]image.Image
	cancel  context.CancelFunc

	picture *orbitPicture
	caption *widget.Label
	choices *fyne.Container
	object  *fyne.Container
}

func newOrbit(g *Gallery) *orbit {
	o := &orbit{g: g, caption: widget.NewLabel(""), choices: container.NewHBox()}
	o.picture = newOrbitPicture(o.turn)
	o.caption.Alignment = fyne.TextAlignCenter
	o.object = container.NewBorder(o.choices, o.caption, nil, nil, o.picture)
	o.object.Hide()
	return o
}

// show turns the views of a set; nothing where it has none.
func (o *orbit) show(set projects.Set, members []projects.Concept) {
	again := o.set.ID == set.ID
	o.set, o.members = set, members
	if !again {
		o.at, o.images = 0, map[string]image.Image{}
		if o.cancel != nil {
			o.cancel()
		}
		o.choose()
	}
	view, axis := set.Axis(projects.ViewField)
	if axis < 0 {
		return
	}
	o.order = around(view)
	o.draw()
}

// choose makes the choices of what is not the view.
func (o *orbit) choose() {
	o.others, o.axes = nil, nil
	o.choices.RemoveAll()
	for i, a := range o.set.Axes {
		if a.Field == projects.ViewField {
			continue
		}
		var names []string
		for k := range a.Values {
			names = append(names, valueTitle(a, k))
		}
		pick := widget.NewSelect(names, nil)
		pick.SetSelectedIndex(0)
		pick.OnChanged = func(string) { o.draw() }
		o.others, o.axes = append(o.others, pick), append(o.axes, i)
		o.choices.Add(widget.NewLabel(axisTitle(a)))
		o.choices.Add(pick)
	}
	o.choices.Refresh()
}

// around orders the values of the view axis by the camera's azimuth; views that
// have no name come last, in their own order.
func around(view projects.Axis) []int {
	angle := func(i int) float64 {
		c, err := views.Named(views.Name(view.Values[i].Value))
		if err != nil {
			return math.Inf(1)
		}
		if c.Elevation > math.Pi/4 { // from above: after the round
			return 3 * math.Pi
		}
		return math.Mod(c.Azimuth+2*math.Pi, 2*math.Pi)
	}
	order := make([]int, len(view.Values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(angle(a), angle(b)) })
	return order
}

// turn goes to the next view, or with a negative number to the one before.
func (o *orbit) turn(by int) {
	if n := len(o.order); n > 0 {
		o.at = ((o.at+by)%n + n) % n
		o.draw()
	}
}

// current is the member that is shown.
func (o *orbit) current() (projects.Concept, bool) {
	_, axis := o.set.Axis(projects.ViewField)
	if axis < 0 || len(o.order) == 0 {
		return projects.Concept{}, false
	}
	list := placesOf(o.members, axis, o.order[o.at])
	for k, pick := range o.others {
		list = placesOf(list, o.axes[k], pick.SelectedIndex())
	}
	if len(list) == 0 {
		return projects.Concept{}, false
	}
	return list[0], true
}

func (o *orbit) draw() {
	view, axis := o.set.Axis(projects.ViewField)
	if axis < 0 || len(o.order) == 0 {
		return
	}
	name := valueTitle(view, o.order[o.at])
	c, ok := o.current()
	if !ok {
		o.caption.SetText(lang.L("{{.View}}: not rendered yet", map[string]any{"View": name}))
		o.picture.show(nil)
		return
	}
	o.caption.SetText(lang.L("{{.View}} · drag, or use the arrow keys, to turn", map[string]any{"View": name}))
	if img, ok := o.images[c.ID]; ok {
		o.picture.show(img)
		return
	}
	if thumb, ok := o.g.thumbs.get(c.ID); ok {
		o.picture.show(thumb)
	}
	ctx, cancel := context.WithCancel(o.g.ctx)
	if o.cancel != nil {
		o.cancel()
	}
	o.cancel = cancel
	images := o.images
	o.g.loadImage(ctx, c.ID, func(img image.Image) {
		images[c.ID] = img
		if now, ok := o.current(); ok && now.ID == c.ID {
			o.picture.show(img)
		}
	}, nil)
}

// valueTitle is what the user sees for a value of an axis.
func valueTitle(a projects.Axis, i int) string {
	v := a.Values[i]
	if a.Field == projects.ViewField && v.Label == "" {
		return panels.ViewName(views.Name(v.Value))
	}
	return v.Title()
}

// orbitPicture is a picture that is turned by dragging it.
type orbitPicture struct {
	widget.BaseWidget
	image  *canvas.Image
	pulled float32 // units dragged since the last turn
	turn   func(by int)
}

func newOrbitPicture(turn func(by int)) *orbitPicture {
	p := &orbitPicture{image: &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScaleFastest}, turn: turn}
	p.ExtendBaseWidget(p)
	return p
}

func (p *orbitPicture) show(img image.Image) {
	p.image.Image = img
	setVisible(p.image, img != nil)
	p.image.Refresh()
}

// Dragged implements fyne.Draggable: to the left shows the object's right side.
func (p *orbitPicture) Dragged(e *fyne.DragEvent) {
	p.pulled += e.Dragged.DX
	for ; p.pulled <= -dragOfView; p.pulled += dragOfView {
		p.turn(1)
	}
	for ; p.pulled >= dragOfView; p.pulled -= dragOfView {
		p.turn(-1)
	}
}

// DragEnd implements fyne.Draggable.
func (p *orbitPicture) DragEnd() { p.pulled = 0 }

// Cursor implements desktop.Cursorable.
func (p *orbitPicture) Cursor() desktop.Cursor { return desktop.HResizeCursor }

// CreateRenderer implements fyne.Widget.
func (p *orbitPicture) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.image) }
