package sampler

import (
	"math"
	"testing"
)

type noiseFixture struct {
	Philox []struct {
		Seed  int64
		Draws [][]float32
	}
	Guidance []struct {
		Phi                           float64
		Guided, Conditional, Rescaled []float32
	}
}

// The known answers of Random123, the library of the generator's authors.
func TestPhiloxWords(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     uint64
		want    [4]uint32
	}{
		{[4]uint32{}, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32}, math.MaxUint64,
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822,
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("counter %x, key %x: %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

// What torch.randn(3, 4) gives on a CUDA device with seed 0.
func TestPhiloxEqualsCUDA(t *testing.T) {
	want := []float32{-0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564,
		-0.62285122, -0.32838709, -1.07454231, -0.36314407, -1.67105067, 2.26550497}
	got := make([]float32, len(want))
	NewPhilox(0).Normal(got)
	if diff, _ := maxDiff(t, got, want); diff > 1e-6 {
		t.Errorf("off by %g: %v", diff, got)
	}
}

func TestPhiloxEqualsReference(t *testing.T) {
	var f noiseFixture
	readGzip(t, "noise.json.gz", &f)
	if len(f.Philox) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range f.Philox {
		noise, err := NewNoise(NoisePhilox, c.Seed)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.Draws {
			got := make([]float32, len(want))
			noise.Normal(got)
			if diff, _ := maxDiff(t, got, want); diff > 1e-6 {
				t.Errorf("seed %d, call %d: off by %g", c.Seed, i, diff)
			}
		}
	}
}

func TestNewNoise(t *testing.T) {
	want, got := make([]float32, 20), make([]float32, 20)
	NewGenerator(3).Normal(want)
	for _, name := range []string{"", NoiseTorch} {
		noise, err := NewNoise(name, 3)
		if err != nil {
			t.Fatal(err)
		}
		noise.Normal(got)
		if diff, _ := maxDiff(t, got, want); diff != 0 {
			t.Errorf("%q is not torch's generator", name)
		}
	}
	if _, err := NewNoise("dice", 3); err == nil {
		t.Error("dice: no error")
	}
}

func TestRescaleGuidanceEqualsDiffusers(t *testing.T) {
	var f noiseFixture
	readGzip(t, "noise.json.gz", &f)
	if len(f.Guidance) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range f.Guidance {
		got := append([]float32(nil), c.Guided...)
		RescaleGuidance(got, c.Conditional, c.Phi)
		if diff, _ := maxDiff(t, got, c.Rescaled); diff > 1e-5 {
			t.Errorf("phi %v: off by %g", c.Phi, diff)
		}
	}
	// Nothing to scale, and nothing to divide by.
	flat := []float32{2, 2, 2}
	RescaleGuidance(flat, []float32{1, 2, 3}, 0.7)
	if flat[0] != 2 {
		t.Errorf("flat values became %v", flat)
	}
}
