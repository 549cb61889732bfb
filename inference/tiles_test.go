package inference

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"maquette/inference/checkpoint"
)

func TestTileStarts(t *testing.T) {
	for _, c := range []struct {
		n, side int
		want    []int
	}{{64, 64, []int{0}}, {65, 64, []int{0, 1}}, {112, 64, []int{0, 48}}, {113, 64, []int{0, 48, 49}}, {256, 64, []int{0, 48, 96, 144, 192}}} {
		if got := tileStarts(c.n, c.side); !slices.Equal(got, c.want) {
			t.Errorf("%d in tiles of %d: %v, want %v", c.n, c.side, got, c.want)
		}
	}
}

// What sees one place at a time gives the same in tiles, at every place: nothing
// is lost, moved or blended with what it isn't.
func TestTilesOfPointwiseWorkAreTheWhole(t *testing.T) {
	const w, h, scale = 45, 38, 2
	planes := make([]float32, 2*w*h)
	for i := range planes {
		planes[i] = float32(math.Sin(float64(i)))
	}
	double := func(in []float32, w, h int) []float32 { // every value fills scale×scale
		out := make([]float32, len(in)*scale*scale)
		for i := range out {
			c, y, x := i/(w*h*scale*scale), i/(w*scale)%(h*scale), i%(w*scale)
			out[i] = 3*in[c*w*h+y/scale*w+x/scale] + 1
		}
		return out
	}
	want := double(planes, w, h)
	for _, tile := range []int{0, 16, 40, 64} {
		tiles := newTiling(w, h, tile, scale)
		calls := 0
		got, err := tiles.run(func(x, y int) ([]float32, error) {
			calls++
			return double(tiles.cut(planes, x, y, 1), tiles.tw, tiles.th), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if d := got[i] - want[i]; max(d, -d) > 1e-5 {
				t.Fatalf("tiles of %d: value %d is %v, want %v", tile, i, got[i], want[i])
			}
		}
		if (calls > 1) != (tile == 16 || tile == 40) {
			t.Errorf("tiles of %d: %d calls", tile, calls)
		}
	}
	stop := errors.New("stop")
	if _, err := newTiling(w, h, 16, scale).run(func(int, int) ([]float32, error) { return nil, stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestTilesFollowMemory(t *testing.T) {
	kl := &checkpoint.Component{Config: json.RawMessage(`{"block_out_channels": [128, 256, 512, 512]}`)}
	for _, c := range []struct {
		side   int
		budget int64
		want   int
	}{
		{64, 4 << 30, 0}, {128, 4 << 30, 112}, {256, 4 << 30, 112}, {256, 64 << 30, 0}, {256, 1 << 30, 56}, {256, 1, minTile}, {24, 1, 0},
	} {
		got, err := vaeTile(kl, c.side, c.side, false, c.budget)
		if err != nil || got != c.want {
			t.Errorf("%d² latents in %d bytes: tiles of %d, want %d (%v)", c.side, c.budget, got, c.want, err)
		}
	}
	if _, err := vaeTile(&checkpoint.Component{Dir: "vae", Config: json.RawMessage(`{`)}, 64, 64, false, 1); err == nil {
		t.Error("a damaged config passes")
	}
}
