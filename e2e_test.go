//go:build e2e

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maquette/assets"
	"maquette/control"
)

// The end-to-end tests run the built command, the bundled starter checkpoint
// and ONNX Runtime, without a display: `make test-render`.

// binary returns the built command.
func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("MAQUETTE_BINARY")
	if path == "" {
		t.Fatal("MAQUETTE_BINARY is not set: run these tests with make test-render")
	}
	return path
}

// maquette runs the command in a home of its own and returns its standard output.
func maquette(t *testing.T, home string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "MAQUETTE_CONFIG=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+home)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Run(); err != nil {
		t.Fatalf("maquette %s: %v\n%s%s", strings.Join(args, " "), err, &out, &notes)
	}
	return out.String()
}

// TestEndToEndSamples renders the bundled sketches and reads the project back.
func TestEndToEndSamples(t *testing.T) {
	home := t.TempDir()
	project := filepath.Join(home, "Samples")
	samples, err := assets.SampleList()
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		out := maquette(t, home, "render", "sample:"+sample.ID, "--count", "2", "--seed", "1", "--steps", "8", "--project", project)
		for _, file := range strings.Fields(out) {
			img := read(t, file)
			if size := img.Bounds().Size(); size != image.Pt(256, 256) {
				t.Errorf("%s is %v pixels", file, size)
			}
			if d := deviation(img); d < 8 {
				t.Errorf("%s shows nothing: its pixels deviate by %.1f of 255", file, d)
			}
		}
	}
	list := strings.Split(strings.TrimSpace(maquette(t, home, "project", "ls", project, "--json")), "\n")
	if len(list) != 2*len(samples) {
		t.Errorf("the project has %d concepts, want %d", len(list), 2*len(samples))
	}
	if shown := maquette(t, home, "models", "show", "starter"); !strings.Contains(shown, "sd1") {
		t.Errorf("the starter is shown as\n%s", shown)
	}
	var report struct {
		Concepts int   `json:"concepts"`
		Problems []any `json:"problems"`
	}
	if err := json.Unmarshal([]byte(maquette(t, home, "project", "check", project, "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Concepts != len(list) || len(report.Problems) > 0 {
		t.Errorf("the check found %+v", report)
	}
	// What exists is not rendered again.
	begin := time.Now()
	if out := maquette(t, home, "render", "sample:vase", "--count", "2", "--seed", "1", "--steps", "8", "--skip-existing", "--project", project); out != "" {
		t.Errorf("--skip-existing rendered %s in %s", out, time.Since(begin))
	}
}

// TestEndToEndFollowsSketch renders a drawing that is not among the samples:
// the same seed repeats the image, another seed or prompt changes it, and the
// image follows the lines far better than without the control.
func TestEndToEndFollowsSketch(t *testing.T) {
	home := t.TempDir()
	sketch := filepath.Join(home, "bottle.png")
	write(t, sketch, bottle(512))
	project := filepath.Join(home, "Bottles")
	render := func(args ...string) []string {
		return strings.Fields(maquette(t, home, append([]string{"render", sketch, "--project", project}, args...)...))
	}
	const prompt = "a green glossy vase, front view"
	guided := render("-p", prompt, "--seed", "5", "--count", "4")
	free := render("-p", prompt, "--seed", "5", "--count", "4", "-c", "lineart:0")
	again := render("-p", prompt, "--seed", "5", "--count", "1")
	other := render("-p", "a red matte vase, front view", "--seed", "5", "--count", "1")

	if d := difference(read(t, guided[0]), read(t, again[0])); d != 0 {
		t.Errorf("the same seed gave images that differ by %.2f of 255", d)
	}
	if d := difference(read(t, guided[0]), read(t, guided[1])); d < 1 {
		t.Errorf("another seed gave images that differ by %.2f of 255 only", d)
	}
	if d := difference(read(t, guided[0]), read(t, other[0])); d < 1 {
		t.Errorf("another prompt gave images that differ by %.2f of 255 only", d)
	}

	for i, file := range guided {
		if r, g := belly(read(t, file)); g <= r {
			t.Errorf("image %d of a green vase is not green: red %.0f, green %.0f in its belly", i, r, g)
		}
	}
	if r, g := belly(read(t, other[0])); r <= g {
		t.Errorf("the image of a red vase is not red: red %.0f, green %.0f in its belly", r, g)
	}

	canny := func(name, file string) *image.RGBA {
		out := filepath.Join(home, name+".png")
		maquette(t, home, "control", "canny", file, "-o", out, "--size", "256x256")
		return rgba(read(t, out))
	}
	lines := canny("sketch", sketch)
	mean := func(name string, files []string) float64 {
		sum := 0.0
		for i, file := range files {
			_, _, f1 := control.EdgeF1(canny(name+strconv.Itoa(i), file), lines, 2)
			sum += f1
		}
		return sum / float64(len(files))
	}
	with, without := mean("guided", guided), mean("free", free)
	t.Logf("Canny F1 within 2 px: %.3f with the control, %.3f with weight 0", with, without)
	if with < without+0.15 {
		t.Errorf("the images follow the sketch with F1 %.3f, and %.3f without control", with, without)
	}
}

// TestEndToEndIsQuiet starts the command in several locales, with and without
// a display that is not there: nothing but its answer may be written.
func TestEndToEndIsQuiet(t *testing.T) {
	for _, locale := range []string{"", "C", "C.UTF-8", "POSIX", "en_US.UTF-8", "zh_CN.UTF-8"} {
		for _, display := range []string{"", ":4711"} {
			cmd := exec.CommandContext(t.Context(), binary(t), "version")
			cmd.Env = []string{"HOME=" + t.TempDir(), "LANG=" + locale, "DISPLAY=" + display}
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.HasPrefix(out, []byte("maquette ")) || bytes.Count(out, []byte("\n")) != 1 {
				t.Errorf("LANG=%q DISPLAY=%q: %v\n%s", locale, display, err, out)
			}
		}
	}
}

// belly returns the mean red and green, 0 to 255, in the middle of what bottle draws.
func belly(img image.Image) (red, green float64) {
	b := img.Bounds()
	n := 0.0
	for y := b.Min.Y + b.Dy()*11/20; y < b.Min.Y+b.Dy()*14/20; y++ {
		for x := b.Min.X + b.Dx()*9/20; x < b.Min.X+b.Dx()*11/20; x++ {
			r, g, _, _ := img.At(x, y).RGBA()
			red, green, n = red+float64(r>>8), green+float64(g>>8), n+1
		}
	}
	return red / n, green / n
}

// bottle draws the outline of a bottle, size pixels wide and high, in dark strokes.
func bottle(size int) image.Image {
	img := image.NewGray(image.Rect(0, 0, size, size))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	s := float64(size)
	dot := func(x, y float64) {
		r := s / 160
		for py := int(y - r); py <= int(y+r); py++ {
			for px := int(x - r); px <= int(x+r); px++ {
				if math.Hypot(float64(px)-x, float64(py)-y) <= r {
					img.SetGray(px, py, color.Gray{Y: 20})
				}
			}
		}
	}
	// The half width at each height: foot, belly, shoulder, neck, lip.
	half := func(y float64) float64 {
		belly := 0.20 * math.Sqrt(max(0, 1-math.Pow((y-0.62)/0.33, 2)))
		return max(belly, 0.07, 0.10*math.Exp(-math.Pow((y-0.14)/0.03, 2)))
	}
	const top, bottom = 0.12, 0.9
	for y := top; y <= bottom; y += 0.0005 {
		dot((0.5-half(y))*s, y*s)
		dot((0.5+half(y))*s, y*s)
	}
	for _, y := range []float64{top, bottom} {
		for x := -half(y); x <= half(y); x += 0.0005 {
			dot((0.5+x)*s, (y+0.02*math.Sqrt(max(0, 1-math.Pow(x/half(y), 2))))*s)
		}
	}
	return img
}

// read decodes a PNG file.
func read(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}

// write encodes a PNG file.
func write(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// rgba copies an image into tightly packed RGBA.
func rgba(img image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}

// deviation is the standard deviation of an image's bytes.
func deviation(img image.Image) float64 {
	var sum, squares, n float64
	for _, v := range rgba(img).Pix {
		sum += float64(v)
		squares += float64(v) * float64(v)
		n++
	}
	return math.Sqrt(squares/n - (sum/n)*(sum/n))
}

// difference is the mean absolute difference of two images' bytes.
func difference(a, b image.Image) float64 {
	x, y := rgba(a).Pix, rgba(b).Pix
	if len(x) != len(y) {
		return math.Inf(1)
	}
	sum := 0.0
	for i := range x {
		sum += math.Abs(float64(x[i]) - float64(y[i]))
	}
	return sum / float64(len(x))
}
