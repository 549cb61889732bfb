package views

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/control"
)

func sample(t testing.TB, name string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "assets", "samples", name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// volume is positive when triangles are counter-clockwise from outside.
func (m *Mesh) volume() (v float64) {
	for _, t := range m.Triangles {
		v += m.Points[t.A].dot(m.Points[t.B].cross(m.Points[t.C])) / 6
	}
	return v
}

// The bundled sketches are read as what they are, and seen from the camera they
// were drawn from they cover the drawing.
func TestSamples(t *testing.T) {
	size := image.Pt(512, 512)
	for name, want := range map[string]Reading{"vase": Revolved, "speaker": Box, "facade": Box} {
		src := sample(t, name)
		r, err := Lift(t.Context(), src, size, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Parts[0].Reading != want {
			t.Errorf("%s is read as %s", name, r.Parts[0].Reading)
		}
		// The speaker is drawn at an angle, the others from the front.
		if turned := math.Abs(r.Drawn.Azimuth) > .3; turned != (name == "speaker") {
			t.Errorf("%s is drawn from azimuth %.2f", name, r.Drawn.Azimuth)
		}
		if v := r.Mesh.volume(); v <= 0 {
			t.Errorf("%s: the mesh is inside out: volume %g", name, v)
		}
		same, err := Render(t.Context(), r.Mesh, r.Drawn, size, Style{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := control.For(control.Lineart)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := e.Extract(t.Context(), src, size, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, f1 := control.EdgeF1(rgba(same.Lines), lines, 3)
		t.Logf("%s: drawn from azimuth %.1f° elevation %.1f°, lines F1 %.2f, %d triangles, %d strokes", name,
			r.Drawn.Azimuth*180/math.Pi, r.Drawn.Elevation*180/math.Pi, f1, len(r.Mesh.Triangles), len(r.Mesh.Strokes))
		if f1 < .85 {
			t.Errorf("%s: seen from its own camera the lines agree with the drawing by F1 %.2f only", name, f1)
		}
		dir := os.Getenv("MAQUETTE_VIEWS_OUT")
		if dir == "" {
			continue
		}
		for _, n := range Names() {
			c, err := Named(n)
			if err != nil {
				t.Fatal(err)
			}
			made, err := Render(t.Context(), r.Mesh, c, size, Style{})
			if err != nil {
				t.Fatal(err)
			}
			save(t, filepath.Join(dir, name+"-"+string(n)+"-lines.png"), made.Lines)
			save(t, filepath.Join(dir, name+"-"+string(n)+"-normal.png"), made.Normal)
			save(t, filepath.Join(dir, name+"-"+string(n)+"-depth.png"), made.Depth)
		}
	}
}

// disc is a drawing of one circle.
func disc(side int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, side, side))
	c := float64(side) / 2
	for i := range g.Pix {
		d := math.Hypot(float64(i%side)+.5-c, float64(i/side)+.5-c)
		g.Pix[i] = 255
		if math.Abs(d-.3*float64(side)) < 2 {
			g.Pix[i] = 0
		}
	}
	return g
}

// A circle read as round is a ball: as deep as wide, the same from every side.
func TestRoundIsABall(t *testing.T) {
	r, err := Lift(t.Context(), disc(256), image.Pt(256, 256), Options{Readings: map[RegionID]Reading{{500, 500}: Round}})
	if err != nil {
		t.Fatal(err)
	}
	low, high := r.Mesh.Bounds()
	d := high.sub(low)
	if math.Abs(d[2]-d[0]) > .04*d[0] || math.Abs(d[1]-d[0]) > .02*d[0] {
		t.Errorf("the ball measures %v", d)
	}
	want := math.Pi / 6 * d[0] * d[1] * d[2]
	if v := r.Mesh.volume(); math.Abs(v-want) > .04*want {
		t.Errorf("its volume is %g, a ball has %g", v, want)
	}
}

// A region's reading changes what is built, at any render size.
func TestReadingsAreHeeded(t *testing.T) {
	thick := map[Reading]float64{}
	for _, reading := range []Reading{Round, Flat, Revolved, Depth} {
		ramp := image.NewGray16(image.Rect(0, 0, 8, 8))
		for i := range 64 {
			ramp.SetGray16(i%8, i/8, color.Gray16{Y: uint16(i % 8 * 8000)})
		}
		for _, side := range []int{128, 320} {
			o := Options{Readings: map[RegionID]Reading{{500, 500}: reading}, Depth: ramp}
			r, err := Lift(t.Context(), disc(256), image.Pt(side, side), o)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Parts[0].Told || r.Parts[0].Reading != reading {
				t.Errorf("%s at %d: read as %+v", reading, side, r.Parts[0])
			}
			id := r.Parts[0].ID
			if math.Hypot(float64(id.X-500), float64(id.Y-500)) > 30 {
				t.Errorf("%s: the region's place is %v, not in the middle of the disc", reading, id)
			}
			low, high := r.Mesh.Bounds()
			thick[reading] = (high[2] - low[2]) / (high[0] - low[0])
		}
	}
	if thick[Flat] > .2 || thick[Round] < .9 || thick[Revolved] < .9 || thick[Depth] < .3 || thick[Depth] > .9 {
		t.Errorf("depths by reading are %v", thick)
	}
}

func TestCameras(t *testing.T) {
	m := block(Vec{-1, 0, -1}, Vec{1, 2, 1})
	size := image.Pt(128, 96)
	for _, ortho := range []bool{false, true} {
		for _, n := range Names() {
			c, err := Named(n)
			if err != nil {
				t.Fatal(err)
			}
			if ortho {
				c.Field = 0
			}
			c = c.Frame(m, size, .8)
			l := c.on(size)
			for _, p := range m.Points {
				at, depth := l.project(p)
				origin, dir := l.ray(at)
				if q := origin.add(dir.mul(depth)); q.sub(p).length() > 1e-9 {
					t.Fatalf("%s: the line of sight through %v misses it by %g", n, p, q.sub(p).length())
				}
				if at.x < 0 || at.y < 0 || at.x > 128 || at.y > 96 {
					t.Errorf("%s: a corner at %v is out of the picture", n, at)
				}
			}
		}
	}
	if _, err := Named("below"); err == nil {
		t.Error("an unknown view is accepted")
	}
	for _, c := range []Camera{{Elevation: 2}, {Field: 3}, {Azimuth: math.NaN()}, {Span: -1}} {
		if _, err := Render(t.Context(), m, c, size, Style{}); err == nil {
			t.Errorf("camera %+v is accepted", c)
		}
	}
}

// A cube from the front: its face is nearest and looks at the camera, and only
// seen edges are drawn.
func TestRenderCube(t *testing.T) {
	m := block(Vec{-1, -1, -1}, Vec{1, 1, 1})
	made, err := Render(t.Context(), m, Camera{Span: 4}, image.Pt(128, 128), Style{LineWidth: 1})
	if err != nil {
		t.Fatal(err)
	}
	ink := 0
	for i, v := range made.Lines.Pix {
		x, y := i%128, i/128
		on := max(abs(x-64), abs(y-64)) >= 30 && max(abs(x-64), abs(y-64)) <= 34
		if v > 0 && !on {
			t.Fatalf("a line at %d,%d", x, y)
		}
		if v > 127 {
			ink++
		}
	}
	if ink < 4*62 || ink > 3*4*64 {
		t.Errorf("%d pixels of lines", ink)
	}
	at := made.Normal.RGBAAt(64, 64)
	if made.Depth.GrayAt(64, 64).Y != 255 || made.Depth.GrayAt(4, 4).Y != 0 || at.B < 250 || abs(int(at.R)-128) > 1 || made.Mask.GrayAt(64, 64).Y != 255 {
		t.Errorf("depth %v, normal %v", made.Depth.GrayAt(64, 64), at)
	}
}

func abs(v int) int { return max(v, -v) }

// What is written is read back by the rules of the formats.
func TestExports(t *testing.T) {
	m := turned([]point{{0, 0}, {1, 0}, {1, 2}, {0, 2}}, Vec{})
	m.Strokes = append(m.Strokes, circle(Vec{}, 1, 1))
	var out bytes.Buffer
	if err := m.WriteGLB(&out); err != nil {
		t.Fatal(err)
	}
	data := out.Bytes()
	word := func(at int) int { return int(binary.LittleEndian.Uint32(data[at:])) }
	if word(0) != glbMagic || word(4) != 2 || word(8) != len(data) || word(16) != glbJSON {
		t.Fatalf("header % x", data[:20])
	}
	var doc gltf
	if err := json.Unmarshal(data[20:20+word(12)], &doc); err != nil {
		t.Fatal(err)
	}
	body := 20 + word(12)
	if word(body+4) != glbBinary || word(body) != doc.Buffers[0].Length || body%4 != 0 || body+8+word(body) != len(data) {
		t.Fatal("the binary part is out of place")
	}
	points, indices := doc.BufferViews[0], doc.BufferViews[2]
	for i, p := range m.Points {
		for k := range 3 {
			got := math.Float32frombits(uint32(word(body + 8 + points.Offset + 12*i + 4*k)))
			if got != float32(p[k]) || got < doc.Accessors[0].Min[k] || got > doc.Accessors[0].Max[k] {
				t.Fatalf("point %d is written as %g", i, got)
			}
		}
	}
	for i, tri := range m.Triangles {
		if word(body+8+indices.Offset+12*i) != int(tri.A) || word(body+8+indices.Offset+12*i+8) != int(tri.C) {
			t.Fatalf("triangle %d differs", i)
		}
	}
	out.Reset()
	if err := m.WriteOBJ(&out); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for line := range strings.Lines(out.String()) {
		count[strings.Fields(line)[0]]++
	}
	if count["v"] != len(m.Points)+97 || count["vn"] != len(m.Normals) || count["f"] != len(m.Triangles) || count["l"] != 1 || count["g"] < 4 {
		t.Errorf("the OBJ has %v", count)
	}
	m.Points[0][1] = math.NaN()
	if m.WriteGLB(&out) == nil || m.WriteOBJ(&out) == nil || (&Mesh{}).WriteGLB(&out) == nil {
		t.Error("a broken mesh is written")
	}
}

func TestBadInput(t *testing.T) {
	blank := image.NewGray(image.Rect(0, 0, 100, 100))
	for i := range blank.Pix {
		blank.Pix[i] = 255
	}
	if _, err := Lift(t.Context(), blank, image.Pt(128, 128), Options{}); !errors.Is(err, ErrNoShape) {
		t.Errorf("a blank page: %v", err)
	}
	var size *control.SizeError
	if _, err := Lift(t.Context(), blank, image.Pt(8, 8), Options{}); !errors.As(err, &size) {
		t.Errorf("a tiny size: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lift(ctx, disc(128), image.Pt(128, 128), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	for id, reading := range map[RegionID]Reading{{500, 500}: "sphere", {5, 5}: Round, {500, 501}: Depth, {2000, 0}: Round} {
		if _, err := Lift(t.Context(), disc(128), image.Pt(128, 128), Options{Readings: map[RegionID]Reading{id: reading}}); err == nil {
			t.Errorf("%v=%s is accepted", id, reading)
		}
	}
	if id, err := ParseRegionID("12, 34"); err != nil || id != (RegionID{12, 34}) || id.String() != "12,34" {
		t.Errorf("%v, %v", id, err)
	}
	for _, text := range []string{"", "1", "a,b", "1,1000", "-1,2"} {
		if _, err := ParseRegionID(text); err == nil {
			t.Errorf("%q is a region", text)
		}
	}
}

// A recess is cut out of its wall: area and holes are kept.
func TestTriangulate(t *testing.T) {
	square := func(x, y, s float64) []point { return []point{{x, y}, {x + s, y}, {x + s, y + s}, {x, y + s}} }
	var holes [][]point
	for k := range 9 {
		holes = append(holes, square(10+float64(k%3)*30, 10+float64(k/3)*30, 15))
	}
	all, tri := triangulate(square(0, 0, 100), holes)
	area := 0.
	for _, k := range tri {
		a := all[k[1]].sub(all[k[0]]).cross(all[k[2]].sub(all[k[0]])) / 2
		if a < -1 { // corners in a row may be off by a hundredth of a pixel
			t.Fatal("a triangle is turned around")
		}
		area += a
	}
	if want := 10000. - 9*225; math.Abs(area-want) > 1e-6 {
		t.Errorf("the area is %g, want %g", area, want)
	}
}

// BenchmarkTurntable512 lifts a sketch and draws six views of it.
func BenchmarkTurntable512(b *testing.B) {
	for _, name := range []string{"vase", "facade"} {
		src := sample(b, name)
		size := image.Pt(512, 512)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := Lift(b.Context(), src, size, Options{})
				if err != nil {
					b.Fatal(err)
				}
				for _, n := range Names()[:6] {
					c, err := Named(n)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := Render(b.Context(), r.Mesh, c, size, Style{}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
