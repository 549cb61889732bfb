package sketchpad

import (
	"image"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// upload does what a frame does to the tiles that asked for an upload, short of the upload itself.
func (b *bench) upload() {
	for _, t := range b.pad.screen.shown {
		t.raster.Generator(t.pix.Rect.Dx(), t.pix.Rect.Dy())
	}
}

// BenchmarkStrokeSegment measures one motion of the pointer with the brush down on a 2048² document, from the event to
// pixels ready for upload: about 15 canvas pixels of stroke.
func BenchmarkStrokeSegment(b *testing.B) {
	for _, c := range []struct {
		name string
		zoom float64
		size float64
	}{{"fine/100%", 1, 4}, {"wide/100%", 1, 64}, {"widest/100%", 1, 200}, {"fine/fit", 0, 4}, {"widest/fit", 0, 200}} {
		b.Run(c.name, func(b *testing.B) {
			h := newBench(b, newDoc(2048, 2048), 2)
			if c.zoom != 0 {
				h.pad.Zoom100()
			}
			h.settle()
			h.upload()
			h.pad.SetBrush(Brush{Size: c.size})
			h.press(desktop.MouseButtonPrimary, fyne.NewPos(300, 250))
			for i := 0; b.Loop(); i++ {
				a := float64(i) * 15 / 200
				h.moveTo(fyne.NewPos(float32(300+150*math.Cos(a)), float32(250+150*math.Sin(a))))
				h.upload()
			}
		})
	}
}

// BenchmarkShapePreview measures one motion of the pointer with a rectangle nearly as large as a 2048² canvas.
func BenchmarkShapePreview(b *testing.B) {
	h := newBench(b, newDoc(2048, 2048), 2)
	h.settle()
	h.upload()
	h.pad.SetTool(ToolRectangle)
	h.press(desktop.MouseButtonPrimary, h.on(50, 50))
	for i := 0; b.Loop(); i++ {
		h.moveTo(h.on(1900+float64(i%50), 1900+float64(i%40)))
		h.upload()
	}
}

// drawn returns a document with n strokes of a hundred points over the whole canvas.
func drawn(n int, size image.Point) *Document {
	d := NewDocument(size)
	var objects []*Object
	for i := range n {
		o := &Object{Kind: KindBrush, Width: 4}
		for j := range 100 {
			a := float64(j)*0.07 + float64(i)
			r := float64(size.X) * (0.1 + 0.35*float64(i)/float64(n))
			o.Points = append(o.Points, quantised(float64(size.X)/2+r*math.Cos(a), float64(size.Y)/2+r*math.Sin(a)*0.9, 1))
		}
		objects = append(objects, o)
	}
	if err := d.Add(objects...); err != nil {
		panic(err)
	}
	return d
}

// BenchmarkRedraw measures a full rasterisation of a 2048² document of 200 strokes from its vectors.
func BenchmarkRedraw(b *testing.B) {
	d := drawn(200, image.Pt(2048, 2048))
	for b.Loop() {
		d.Render(image.Pt(2048, 2048))
	}
}

// BenchmarkUndo measures undo and redo of a stroke across a 2048² canvas, on the window's goroutine.
func BenchmarkUndo(b *testing.B) {
	h := newBench(b, drawn(200, image.Pt(2048, 2048)), 2)
	h.settle()
	h.draw([2]float64{100, 100}, [2]float64{1900, 1900}, [2]float64{1900, 100})
	h.settle()
	h.upload()
	for b.Loop() {
		h.pad.Undo()
		h.upload()
		h.pad.Redo()
		h.upload()
	}
}

// BenchmarkZoom measures a step of the wheel over a 2048² document on a pad of 1200×1000 screen pixels.
func BenchmarkZoom(b *testing.B) {
	h := newBench(b, drawn(200, image.Pt(2048, 2048)), 2)
	h.settle()
	h.upload()
	for i := 0; b.Loop(); i++ {
		dy := float32(25)
		if i/3%2 == 1 {
			dy = -25
		}
		h.pad.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(300, 250)}, Scrolled: fyne.NewDelta(0, dy)})
		h.upload()
	}
}

// BenchmarkZoomUnderlay4K measures a step of the wheel over a 2048² document with a photograph beneath, on a pad of
// 3200×1900 screen pixels as a window on a 4K screen has it.
func BenchmarkZoomUnderlay4K(b *testing.B) {
	photo := image.NewRGBA(image.Rect(0, 0, 2048, 2048))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(i*7 ^ i>>9) // no two neighbours are the same
	}
	pic, err := NewPicture(photo)
	if err != nil {
		b.Fatal(err)
	}
	d := drawn(200, image.Pt(2048, 2048))
	d.SetUnderlay(pic, 0.4)
	h := newBench(b, d, 2)
	h.pad.Resize(fyne.NewSize(1600, 950))
	h.settle()
	h.upload()
	for i := 0; b.Loop(); i++ {
		dy := float32(25)
		if i/3%2 == 1 {
			dy = -25
		}
		h.pad.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(800, 475)}, Scrolled: fyne.NewDelta(0, dy)})
		h.upload()
	}
}

// BenchmarkPan measures panning by a few pixels.
func BenchmarkPan(b *testing.B) {
	h := newBench(b, drawn(200, image.Pt(2048, 2048)), 2)
	h.pad.Zoom100()
	h.settle()
	h.upload()
	for i := 0; b.Loop(); i++ {
		d := float32(7)
		if i/40%2 == 1 {
			d = -7
		}
		h.pad.pan(d, d)
		h.upload()
	}
}

// BenchmarkNewRaster measures what opening a 2048² document costs the window's goroutine.
func BenchmarkNewRaster(b *testing.B) {
	for b.Loop() {
		newRaster(image.Pt(2048, 2048))
	}
}
