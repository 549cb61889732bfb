package sketchpad

import (
	"image"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
)

// screenTile is the side, in screen pixels, of the rasters that show the canvas.
//
// Every Refresh of a raster uploads its whole texture, so the magnified canvas is cut into a grid of small rasters:
// a stroke refreshes those it touches, panning moves them without any upload, and each holds exactly the screen's pixels.
const screenTile = 256

// screen is the part of the magnified canvas that is visible, as a pool of tiles.
type screen struct {
	pad   *Pad
	layer *fyne.Container
	shown map[image.Point]*tile // by column and row of the grid, which begins at the canvas' corner
	spare []*tile
	turn  int // see fineLater
}

// tile is one raster of the grid.
type tile struct {
	raster    *canvas.Raster
	pix       *image.RGBA
	at        image.Point
	dirty     image.Rectangle // pixels of pix to be made anew before the next upload
	rough     *image.RGBA     // while isRough, what is uploaded in place of pix
	isRough   bool
	refreshes int // how often an upload was asked for, for tests and benchmarks
}

func newScreen(p *Pad) *screen {
	return &screen{pad: p, layer: container.NewWithoutLayout(), shown: make(map[image.Point]*tile)}
}

// newTile returns a hidden tile that shows what lies at its place once it has one.
func (s *screen) newTile() *tile {
	t := &tile{}
	t.raster = canvas.NewRaster(func(w, h int) image.Image { return s.generate(t, w, h) })
	t.raster.ScaleMode = canvas.ImageScalePixels
	s.layer.Add(t.raster)
	return t
}

// generate brings the pixels of t up to date for an upload of w×h screen pixels.
func (s *screen) generate(t *tile, w, h int) image.Image {
	if t.pix == nil {
		return image.NewUniform(paperColor())
	}
	if size := t.pix.Rect.Size(); size != image.Pt(w, h) {
		// The window has moved to a screen of another density; the next frame has tiles of the right size.
		s.pad.rescaleSoon()
	}
	if !t.dirty.Empty() {
		s.prepare()
	}
	if t.isRough {
		return t.rough
	}
	return t.pix
}

// prepare makes the pixels of all tiles that are about to be uploaded anew.
func (s *screen) prepare() {
	work := map[float64][]glimpse{} // by their share of the magnification
	for _, t := range s.shown {
		if !t.dirty.Empty() {
			g, share := t.glimpse()
			work[share] = append(work[share], g)
			t.dirty = image.Rectangle{}
		}
	}
	for share, list := range work {
		s.pad.doc.show(s.pad.view.Zoom*share, list...)
	}
}

// place lays the visible tiles out for the pad's view; anew is set where the magnification or the canvas changed, so that
// nothing shown before can be kept.
func (s *screen) place(anew bool) {
	v := s.pad.view
	whole := v.shown(s.pad.canvas)
	first, last := s.visible(whole)
	for at, t := range s.shown {
		if anew || at.X < first.X || at.Y < first.Y || at.X >= last.X || at.Y >= last.Y {
			delete(s.shown, at)
			s.spare = append(s.spare, t)
		}
	}
	var assigned []*tile
	for y := first.Y; y < last.Y; y++ {
		for x := first.X; x < last.X; x++ {
			at := image.Pt(x, y)
			t, kept := s.shown[at]
			if !kept {
				t = s.take()
				s.shown[at] = t
				t.assign(at, whole)
				assigned = append(assigned, t)
			}
			t.raster.Move(fyne.NewPos(
				float32((v.OriginX+float64(x*screenTile))/v.Scale), float32((v.OriginY+float64(y*screenTile))/v.Scale)))
			t.raster.Resize(fyne.NewSize(
				float32(float64(t.pix.Rect.Dx())/v.Scale), float32(float64(t.pix.Rect.Dy())/v.Scale)))
		}
	}
	if anew {
		s.roughen(assigned)
	}
	for _, t := range assigned {
		t.raster.Show()
		t.refresh()
	}
	for _, t := range s.spare {
		if t.raster.Visible() {
			t.raster.Hide()
		}
	}
	s.pad.scene.wake()
}

// visible returns the range of columns and rows of the grid that lie on the pad; last is excluded.
func (s *screen) visible(whole image.Point) (first, last image.Point) {
	v, size := s.pad.view, s.pad.Size()
	from := func(origin float64) int { return int(math.Max(0, math.Floor(-origin/screenTile))) }
	to := func(origin float64, length int, side float32) int {
		end := math.Min(float64(length), float64(side)*v.Scale-origin)
		return int(math.Max(0, math.Ceil(end/screenTile)))
	}
	first = image.Pt(from(v.OriginX), from(v.OriginY))
	last = image.Pt(to(v.OriginX, whole.X, size.Width), to(v.OriginY, whole.Y, size.Height))
	return first, last
}

// take returns a tile that is not in use.
func (s *screen) take() *tile {
	if n := len(s.spare); n > 0 {
		t := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return t
	}
	return s.newTile()
}

// assign gives t a place in a grid over whole screen pixels.
func (t *tile) assign(at image.Point, whole image.Point) {
	t.at = at
	box := image.Rectangle{Max: whole}.Intersect(
		image.Rect(0, 0, screenTile, screenTile).Add(at.Mul(screenTile)))
	size := image.Rectangle{Max: box.Size()}
	if t.pix == nil || t.pix.Rect != size {
		// Tightly packed, as the painter ignores the stride.
		t.pix = image.NewRGBA(size)
	}
	t.dirty, t.isRough = size, false
}

// refresh asks for an upload of the tile.
func (t *tile) refresh() {
	t.refreshes++
	t.raster.Refresh()
}

// changed makes the tiles that show the given rectangles of the canvas show them anew.
func (s *screen) changed(boxes []image.Rectangle) {
	touched := make(map[*tile]bool)
	first, last := s.visible(s.pad.view.shown(s.pad.canvas))
	seen := image.Rectangle{Min: first.Mul(screenTile), Max: last.Mul(screenTile)}
	for _, box := range boxes {
		r := s.pad.view.onScreen(box).Intersect(seen)
		for y := r.Min.Y / screenTile; y*screenTile < r.Max.Y; y++ {
			for x := r.Min.X / screenTile; x*screenTile < r.Max.X; x++ {
				t := s.shown[image.Pt(x, y)]
				if t == nil {
					continue
				}
				t.fine()
				if part := r.Sub(t.at.Mul(screenTile)).Intersect(t.pix.Rect); !part.Empty() {
					t.dirty = t.dirty.Union(part)
					touched[t] = true
				}
			}
		}
	}
	for t := range touched {
		t.refresh()
	}
}
