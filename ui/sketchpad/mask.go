package sketchpad

import (
	"image"
	"image/color"
	"slices"

	"golang.org/x/image/draw"
)

// The mask says where a picture under the drawing may change. It is made of strokes of its own kinds among the objects
// of the document, so that undo, saving and scaling know them; they are no ink, and Render does not show them.
const (
	KindMask   Kind = "mask"   // a freehand stroke through Points that adds to the mask
	KindUnmask Kind = "unmask" // a freehand stroke that takes from the mask
)

// masks reports whether objects of the kind are part of the mask, not of the drawing.
func (k Kind) masks() bool { return k == KindMask || k == KindUnmask }

// erases reports whether objects of the kind take away what lies under them.
func (k Kind) erases() bool { return k == KindEraser || k == KindUnmask }

// freehand reports whether objects of the kind are strokes through all their points.
func (k Kind) freehand() bool { return k == KindBrush || k == KindEraser || k.masks() }

// drawn counts the objects that are not of the mask.
func (s state) drawn() int {
	n := 0
	for _, o := range s.objects {
		if !o.Kind.masks() {
			n++
		}
	}
	return n
}

// Masked reports whether anything was painted into the mask. Strokes that were rubbed out again count too; see Change.
func (d *Document) Masked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.masked()
}

func (s state) masked() bool {
	return slices.ContainsFunc(s.objects, func(o *Object) bool { return o.Kind == KindMask })
}

// ClearMask removes the mask, as one step of undo; what is drawn stays.
func (d *Document) ClearMask() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancelLive()
	next, box := d.state, image.Rectangle{}
	next.objects, next.weight = nil, weight{}
	for _, o := range d.state.objects {
		if o.Kind.masks() {
			box = box.Union(o.box)
		} else {
			next.objects = append(next.objects, o)
		}
	}
	if len(next.objects) == len(d.state.objects) {
		return
	}
	next.weight = next.weight.with(next.objects...)
	d.commit(next, box)
}

// Change returns the picture under the drawing and, at its size, the mask that was painted over it: white where the
// picture may change, grey at soft edges, black elsewhere. Both are nil where there is no picture or the mask is empty.
// It takes time in proportion to the picture; call it off the window's goroutine.
func (d *Document) Change() (picture image.Image, mask *image.Gray) {
	d.mu.Lock()
	s := d.state
	d.mu.Unlock()
	if s.underlay == nil || !s.masked() {
		return nil, nil
	}
	size := s.underlay.Size()
	// The picture lies fitted on the canvas; the mask is rasterised so that it covers the picture exactly.
	fit := fitBox(size, s.size)
	scale := float64(size.X) / float64(fit.Dx())
	t := transform{scale: scale, dx: -scale * float64(fit.Min.X), dy: -scale * float64(fit.Min.Y)}
	veil := image.NewRGBA(image.Rectangle{Max: size})
	rasteriseMask(veil, s.objects, t)
	mask = image.NewGray(veil.Rect)
	empty := true
	for i := range mask.Pix {
		mask.Pix[i] = veil.Pix[4*i+3]
		empty = empty && mask.Pix[i] == 0
	}
	if empty {
		return nil, nil
	}
	whole := image.NewRGBA(veil.Rect)
	s.underlay.draw(whole, whole.Rect, draw.Src, false, false)
	return whole, mask
}

// drawnTile is a square of the canvas as it was rasterised: what is drawn, and the mask or nil.
type drawnTile struct{ ink, veil *image.RGBA }

// rasterised draws the square box of the canvas.
func (s state) rasterised(box image.Rectangle) drawnTile {
	t := drawnTile{ink: image.NewRGBA(box)}
	rasterise(t.ink, s.objects, identity())
	if s.drawn() < len(s.objects) {
		t.veil = image.NewRGBA(box)
		rasteriseMask(t.veil, s.objects, identity())
	}
	return t
}

// layer returns the pixels of the ink or of the mask, whose coverage is its alpha. The mask's are made when they are
// first needed.
func (p *inkPlane) layer(mask bool) *image.RGBA {
	if !mask {
		return p.img
	}
	if p.veil == nil {
		p.veil = image.NewRGBA(p.img.Rect)
	}
	return p.veil
}

// maskColor is what the display is tinted with where the mask is, at its alpha.
func maskColor() color.NRGBA { return color.NRGBA{R: 0xe6, G: 0x2e, B: 0x8a, A: 0x80} }

// tint lays the mask over opaque pixels.
func tint(dst, veil []uint8) {
	c := maskColor()
	for i := 0; i+4 <= len(veil); i += 4 {
		a := div255(uint32(veil[i+3]) * uint32(c.A))
		if a == 0 {
			continue
		}
		k, d := 255-a, dst[i:i+3:i+3]
		d[0] = uint8(div255(uint32(d[0])*k + uint32(c.R)*a))
		d[1] = uint8(div255(uint32(d[1])*k + uint32(c.G)*a))
		d[2] = uint8(div255(uint32(d[2])*k + uint32(c.B)*a))
	}
}
