package sampler

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

func readGzip(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func maxDiff(t testing.TB, got, want []float32) (diff, size float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		diff, size = max(diff, d), max(size, math.Abs(float64(want[i])))
	}
	return diff, size
}

func TestNormalEqualsTorch(t *testing.T) {
	var cases []struct {
		Seed  int64
		Draws [][]float32
	}
	readGzip(t, "randn.json.gz", &cases)
	worst := 0.0
	for _, c := range cases {
		g := NewGenerator(c.Seed)
		for i, want := range c.Draws {
			got := make([]float32, len(want))
			g.Normal(got)
			diff, _ := maxDiff(t, got, want)
			worst = max(worst, diff)
			if diff > 1e-6 {
				t.Errorf("seed %d, draw %d of %d values: off by %g", c.Seed, i, len(want), diff)
			}
		}
	}
	t.Logf("greatest difference %g", worst)
}

// diffusersRun is a whole run of one of diffusers' schedulers.
type diffusersRun struct {
	Sampler   string
	Config    json.RawMessage
	Karras    bool
	Schedule  string // where it is set, New's other way
	XL        bool
	Steps     int
	Start     int
	Timesteps []float32
	InitScale float64     `json:"init_scale"`
	Inputs    [][]float32 // the first values that the model saw, per step
	States    [][]float32 // latents at first, after a step, after Middle steps, at the end
	Middle    int
}

func (r diffusersRun) String() string {
	if r.Schedule != "" {
		return fmt.Sprintf("%s %s xl=%v steps=%d start=%d %s", r.Sampler, r.Schedule, r.XL, r.Steps, r.Start, r.Config)
	}
	return fmt.Sprintf("%s karras=%v steps=%d start=%d %s", r.Sampler, r.Karras, r.Steps, r.Start, r.Config)
}

func TestRunsEqualDiffusers(t *testing.T)      { compareRuns(t, "runs.json.gz", 100) }
func TestSchedulesEqualReference(t *testing.T) { compareRuns(t, "schedules.json.gz", 150) }

func compareRuns(t *testing.T, name string, least int) {
	var runs []diffusersRun
	readGzip(t, name, &runs)
	if len(runs) < least {
		t.Fatalf("only %d runs", len(runs))
	}
	worst := 0.0
	for _, run := range runs {
		t.Run(run.String(), func(t *testing.T) {
			worst = max(worst, compareRun(t, run))
		})
	}
	t.Logf("greatest difference %g of a run's largest latent", worst)
}

func compareRun(t *testing.T, run diffusersRun) float64 {
	config, err := ParseConfig(run.Config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(run.Sampler, config, run.Steps, run.Karras)
	if run.Schedule != "" {
		s, err = NewScheduled(run.Sampler, config, Options{Steps: run.Steps, Schedule: run.Schedule, XL: run.XL})
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := Passes(run.Sampler, run.Steps); s.Steps() != want {
		t.Fatalf("%d steps, want %d", s.Steps(), want)
	}
	if got := float64(s.InitScale()); math.Abs(got-run.InitScale) > 1e-5*run.InitScale {
		t.Errorf("init scale %v, want %v", got, run.InitScale)
	}
	g := NewGenerator(5)
	x := make([]float32, len(run.States[0]))
	g.Normal(x)
	if run.Start > 0 {
		noise := x
		x = make([]float32, len(noise))
		NewGenerator(6).Normal(x)
		s.AddNoise(x, noise, run.Start)
	} else {
		for i := range x {
			x[i] *= s.InitScale()
		}
	}
	tolerance := 1e-4
	if run.InitScale > 1000 {
		tolerance = 1e-3 // torch forms differences of such sigmas in float32
	}
	worst := 0.0
	check := func(what string, got, want []float32) {
		diff, size := maxDiff(t, got, want)
		worst = max(worst, diff/max(size, 1))
		if diff > tolerance*max(size, 1) {
			t.Errorf("%s: off by %g of %g", what, diff, size)
		}
	}
	check("start", x, run.States[0])
	seen, out := make([]float32, len(x)), make([]float32, len(x))
	for i, want := range run.Timesteps {
		at := run.Start + i
		if got := s.Timestep(at); math.Abs(float64(got-want)) > 1e-3 {
			t.Errorf("timestep %d is %v, want %v", at, got, want)
		}
		s.ScaleInput(seen, x, at)
		check(fmt.Sprintf("input of step %d", at), seen[:len(run.Inputs[i])], run.Inputs[i])
		for j, v := range seen {
			out[j] = float32(math.Tanh(0.7*float64(v) + 0.4*float64(want)/1000 + 0.03*float64(i)))
		}
		s.Step(x, out, at, g.Normal)
		if i == 0 {
			check("after a step", x, run.States[1])
		}
		if i+1 == run.Middle {
			check("half way", x, run.States[2])
		}
	}
	check("end", x, run.States[3])
	return worst
}
