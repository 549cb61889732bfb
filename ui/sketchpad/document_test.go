package sketchpad

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// everything returns a document with every kind of object, mirrored ones included, and an underlay.
func everything(t testing.TB) *Document {
	t.Helper()
	d := NewDocument(image.Pt(300, 200))
	pic, err := NewPicture(photo(80, 60))
	if err != nil {
		t.Fatal(err)
	}
	d.SetUnderlay(pic, 0.25)
	both := Axis{Vertical: true, Horizontal: true, X: 150, Y: 100}
	err = d.Add(
		&Object{Kind: KindImage, Image: pic, Points: []Point{{200, 20, 1}, {280, 80, 1}}},
		&Object{Kind: KindBrush, Width: 7, Softness: 0.5, Points: []Point{{20, 20, 1}, {60, 33.25, 0.5}, {90, 10, 0.75}}},
		&Object{Kind: KindBrush, Width: 9, Points: []Point{{30, 150, 1}}},
		&Object{Kind: KindLine, Width: 3, Points: []Point{{10, 190, 1}, {250, 100, 1}}},
		&Object{Kind: KindRectangle, Width: 2, Points: []Point{{100, 60, 1}, {180, 150, 1}}},
		&Object{Kind: KindEllipse, Width: 4, Mirror: both, Points: []Point{{10, 60, 1}, {70, 90, 1}}},
		&Object{Kind: KindPolygon, Width: 2, Mirror: Axis{Horizontal: true, Y: 90}, Points: []Point{{200, 10, 1}, {260, 50, 1}, {190, 70, 1}}},
		&Object{Kind: KindEraser, Width: 12, Softness: 1, Points: []Point{{0, 100, 1}, {299, 110, 1}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// equal fails the test unless a and b have the same pixels.
func equal(t *testing.T, a, b *image.RGBA) {
	t.Helper()
	if a.Rect != b.Rect || !bytes.Equal(a.Pix, b.Pix) {
		t.Errorf("the pictures differ (%v, %v)", a.Rect, b.Rect)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	d := everything(t)
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, d.RenderWithUnderlay(d.Size()), back.RenderWithUnderlay(d.Size()))
	again, err := back.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, again) {
		t.Error("what was read back is written differently")
	}
	if !bytes.Contains(text, []byte(`"version":1`)) {
		t.Error("the text has no version")
	}
}

func TestDrawnStrokesSurviveJSONToThePixel(t *testing.T) {
	b := newBench(t, newDoc(700, 500), 1.5)
	b.pad.SetBrush(Brush{Size: 11, Softness: 0.3, Taper: 1})
	b.pad.SetMirror(true, true)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		var points [][2]float64
		for range 6 {
			points = append(points, [2]float64{rng.Float64() * 700, rng.Float64() * 500})
		}
		b.draw(points...)
	}
	b.same()
	text, err := b.pad.doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, b.pad.doc.Render(image.Pt(700, 500)), back.Render(image.Pt(700, 500)))
	back.Settle()
	equal(t, back.raster.levels[0], back.Render(image.Pt(700, 500)))
}

func TestParseRefuses(t *testing.T) {
	object := func(s string) string {
		return `{"version":1,"width":512,"height":512,"objects":[` + s + `]}`
	}
	bomb := func(side uint32) string {
		head := []byte("IHDR\x00\x00\x00\x00\x00\x00\x00\x00\x08\x06\x00\x00\x00")
		binary.BigEndian.PutUint32(head[4:], side)
		binary.BigEndian.PutUint32(head[8:], side)
		text := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
		text = binary.BigEndian.AppendUint32(text, crc32.ChecksumIEEE(head))
		s, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(s)
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":          {``, "drawing"},
		"no JSON":          {`{"version":`, "drawing"},
		"not an object":    {`[1,2]`, "drawing"},
		"no version":       {`{}`, "no version"},
		"newer":            {`{"version":3,"objects":"later"}`, "newer version"},
		"no canvas":        {`{"version":1}`, "canvas is 0×0"},
		"huge canvas":      {`{"version":1,"width":100000,"height":100000}`, "canvas"},
		"unknown kind":     {object(`{"kind":"spray","points":[1,2]}`), "spray"},
		"no points":        {object(`{"kind":"brush"}`), "0 points"},
		"half a point":     {object(`{"kind":"brush","points":[1]}`), "x without a y"},
		"far away":         {object(`{"kind":"brush","points":[1e30,0]}`), "too far"},
		"overflow":         {object(`{"kind":"brush","points":[1e300,0]}`), "points"},
		"too wide":         {object(`{"kind":"brush","width":1e9,"points":[1,2]}`), "width"},
		"negative width":   {object(`{"kind":"brush","width":-1,"points":[1,2]}`), "width"},
		"pressure":         {object(`{"kind":"brush","points":[1,2],"pressure":[7]}`), "pressure"},
		"pressures":        {object(`{"kind":"brush","points":[1,2],"pressure":[1,1]}`), "pressures"},
		"softness":         {object(`{"kind":"brush","softness":2,"points":[1,2]}`), "softness"},
		"three-point line": {object(`{"kind":"line","points":[1,2,3,4,5,6]}`), "3 points"},
		"image without":    {object(`{"kind":"image","points":[1,2,3,4]}`), "PNG"},
		"image bomb":       {object(`{"kind":"image","points":[1,2,3,4],"png":` + bomb(60000) + `}`), "60000×60000"},
		"underlay":         {`{"version":1,"width":512,"height":512,"underlay":{"png":"AAAA"}}`, "underlay"},
		"too much ink": {object(strings.TrimSuffix(strings.Repeat(
			`{"kind":"brush","width":400,"points":[0,0,`+strings.Repeat("2000,2000,0,0,", 2000)+`1,1]},`, 10), ",")), "reasonable time"},
		"too many objects": {object(strings.Repeat(`{},`, maxObjects) + `{}`), "objects"},
		"too many points":  {object(`{"kind":"brush","points":[` + strings.Repeat("1,", 2*maxStrokePoints) + `1]}`), "numbers"},
		"deep":             {strings.Repeat("[", 100_000), "drawing"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ParseDocument([]byte(c.text))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error does not say %q: %v", c.says, err)
			}
			if newer := name == "newer"; errors.Is(err, ErrNewerVersion) != newer {
				t.Errorf("ErrNewerVersion: %v", err)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 300<<20 {
				t.Errorf("it allocated %d MB", n>>20)
			}
		})
	}
}

func FuzzParseDocument(f *testing.F) {
	text, err := everything(f).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"width":64,"height":2048,"objects":[{"kind":"ellipse","width":3,"points":[0,0,5,5],"mirror":{"x":1}}]}`))
	f.Add([]byte(`{"version":1,"width":64,"height":64,"objects":[{"kind":"eraser","points":[0,0,0,0,1e4,-1e4],"pressure":[0,1,0.5]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDocument(text)
		if err != nil {
			return
		}
		again, err := d.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseDocument(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		ink := 0.0
		for _, o := range d.Objects() {
			ink += o.ink()
		}
		if ink < 1e7 {
			equal(t, d.Render(image.Pt(90, 70)), back.Render(image.Pt(90, 70)))
		}
	})
}

func TestRenderAtOtherSizes(t *testing.T) {
	d := NewDocument(image.Pt(1024, 512))
	if err := d.Add(
		&Object{Kind: KindLine, Width: 2, Points: []Point{{100, 256, 1}, {900, 256, 1}}},
		&Object{Kind: KindRectangle, Width: 2, Points: []Point{{4, 4, 1}, {1020, 508, 1}}},
	); err != nil {
		t.Fatal(err)
	}
	dark := func(m *image.RGBA, x, y int) bool {
		least := uint8(255)
		for dy := -1; dy <= 1; dy++ {
			least = min(least, m.RGBAAt(x, y+dy).G)
		}
		return least < 150
	}
	for _, size := range []image.Point{{1024, 512}, {256, 128}, {2000, 1000}, {128, 64}} {
		m := d.Render(size)
		if m.Rect.Size() != size {
			t.Fatalf("asked for %v, got %v", size, m.Rect)
		}
		// However small, the line is there along its whole length.
		for x := size.X * 120 / 1024; x < size.X*880/1024; x++ {
			if !dark(m, x, size.Y/2) {
				t.Fatalf("at %v the line is missing at x=%d", size, x)
			}
		}
		if c := m.RGBAAt(size.X/2, size.Y/4); c != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("at %v the paper is %v", size, c)
		}
	}
	// Another aspect: centred, with paper around it.
	m := d.Render(image.Pt(512, 512))
	if !dark(m, 256, 256) {
		t.Error("the drawing is not centred in a square")
	}
	if c := m.RGBAAt(256, 60); c.G != 255 {
		t.Error("the drawing is stretched in a square")
	}
	if !d.Render(image.Pt(0, -3)).Rect.Empty() {
		t.Error("no size gives pixels")
	}
}

func TestUnderlayIsNotInTheRender(t *testing.T) {
	d := NewDocument(image.Pt(200, 100))
	pic, err := NewPicture(photo(100, 100))
	if err != nil {
		t.Fatal(err)
	}
	d.SetUnderlay(pic, 0.5)
	if !d.Empty() {
		t.Error("an underlay alone makes the drawing not empty")
	}
	if c := d.Render(d.Size()).RGBAAt(100, 50); c.R != 255 || c.B != 255 {
		t.Errorf("the underlay is in the render: %v", c)
	}
	c := d.RenderWithUnderlay(d.Size()).RGBAAt(100, 50)
	// 50 % of (≈127, ≈127, 128) on white.
	if math.Abs(float64(c.R)-191) > 3 || math.Abs(float64(c.B)-191) > 2 {
		t.Errorf("the underlay shows as %v", c)
	}
	if c := d.RenderWithUnderlay(d.Size()).RGBAAt(20, 50); c.R != 255 {
		t.Errorf("the underlay is stretched: %v", c)
	}
	d.Settle()
	equal(t, d.raster.levels[0], d.RenderWithUnderlay(d.Size()))
	d.SetUnderlay(pic, 0.6)
	d.SetUnderlay(pic, 0.8)
	d.Settle()
	equal(t, d.raster.levels[0], d.RenderWithUnderlay(d.Size()))
	if !d.Undo() { // to 0.5 or away: opacity changes in a row are one step
		t.Fatal("nothing to undo")
	}
	d.Undo()
	if p, _ := d.Underlay(); p != nil {
		t.Errorf("two steps of undo leave an underlay")
	}
	d.Settle()
	equal(t, d.raster.levels[0], d.Render(d.Size()))
}

func TestManyGoroutines(t *testing.T) {
	b := newBench(t, everything(t), 1)
	var others sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch i {
				case 0:
					b.pad.doc.Render(image.Pt(128, 128))
				case 1:
					if _, err := b.pad.doc.MarshalJSON(); err != nil {
						t.Error(err)
					}
				case 2:
					b.pad.doc.Empty()
					b.pad.doc.Revision()
				}
			}
		})
	}
	for i := range 10 {
		b.draw([2]float64{10, 10 + float64(i)*9}, [2]float64{290, 190 - float64(i)*9})
		if i%3 == 2 {
			b.pad.Undo()
		}
	}
	close(stop)
	others.Wait()
	b.same()
}

func TestLimitsOfAdding(t *testing.T) {
	d := NewDocument(image.Pt(256, 256))
	if err := d.Add(&Object{Kind: KindBrush}); err == nil {
		t.Error("a stroke without points was added")
	}
	pic, err := NewPicture(photo(2048, 2048))
	if err != nil {
		t.Fatal(err)
	}
	paste := func() error {
		return d.Add(&Object{Kind: KindImage, Image: pic, Points: []Point{{0, 0, 1}, {256, 256, 1}}})
	}
	n := 0
	for paste() == nil {
		if n++; n > 10 {
			t.Fatal("images can be pasted without end")
		}
	}
	if n == 0 {
		t.Fatal("no image can be pasted")
	}
	text, err := d.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseDocument(text); err != nil {
		t.Errorf("a document full of images cannot be read back: %v", err)
	}
	if _, err := NewPicture(image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("a picture without pixels was made")
	}
	wide, err := NewPicture(image.NewGray(image.Rect(0, 0, 9000, 3)))
	if err != nil || wide.Size() != image.Pt(2048, 1) {
		t.Errorf("a very wide image became %v, %v", wide.Size(), err)
	}
}
