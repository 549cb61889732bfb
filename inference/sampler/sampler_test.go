package sampler

import (
	"slices"
	"strings"
	"testing"
)

func TestEverySamplerIsNamed(t *testing.T) {
	for _, name := range Names() {
		s, err := New(name, DefaultConfig(), 20, true)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.Steps() != Passes(name, 20) {
			t.Errorf("%s: %d steps", name, s.Steps())
		}
		if Label(name) == name || !Known(name) {
			t.Errorf("%s has no label or isn't known", name)
		}
		for i := 1; i < s.Steps(); i++ {
			// Heun's second pass and the next first one see the same noise.
			if now, before := s.Timestep(i), s.Timestep(i-1); now > before || now == before && name != Heun {
				t.Errorf("%s: timestep %d is %v after %v", name, i, s.Timestep(i), s.Timestep(i-1))
			}
		}
	}
	if Known("plms") || Label("plms") != "plms" {
		t.Error("plms is not a sampler")
	}
}

// A model that knows the image must be led to it by every sampler.
func TestSamplersFindTheImage(t *testing.T) {
	for _, kind := range []string{Epsilon, VPrediction} {
		for _, name := range Names() {
			c := DefaultConfig()
			c.PredictionType = kind
			s, err := New(name, c, 30, true)
			if err != nil {
				t.Fatal(err)
			}
			g := NewGenerator(1)
			image, x := make([]float32, 64), make([]float32, 64)
			g.Normal(image)
			g.Normal(x)
			for i := range x {
				x[i] *= s.InitScale()
			}
			out, zero, unit := make([]float32, 64), make([]float32, 64), make([]float32, 64)
			for i := range s.Steps() {
				// Denoised is linear in x and output: solve it for the output that gives the image.
				for j := range out {
					out[j] = 0
				}
				s.Denoised(zero, x, out, i)
				for j := range out {
					out[j] = 1
				}
				s.Denoised(unit, x, out, i)
				for j := range out {
					out[j] = (image[j] - zero[j]) / (unit[j] - zero[j])
				}
				s.Step(x, out, i, g.Normal)
			}
			// DDIM ends at the first timestep's small noise, as set_alpha_to_one is false.
			if diff, _ := maxDiff(t, x, image); diff > 0.15 {
				t.Errorf("%s, %s: off by %g", name, kind, diff)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New("plms", DefaultConfig(), 20, false); err == nil || !strings.Contains(err.Error(), "dpmpp_2m") {
		t.Errorf("unknown sampler: %v", err)
	}
	for _, steps := range []int{-1, 0, 1001} {
		if _, err := New(DDIM, DefaultConfig(), steps, false); err == nil {
			t.Errorf("%d steps: no error", steps)
		}
	}
}

func TestNewScheduledRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{{DDIM, Options{20, Karras, false}}, {LCM, Options{51, Normal, false}}, {TCD, Options{51, "", false}},
		{TCD, Options{4, Beta, false}}, {Heun, Options{20, "cosine", false}}, {Euler, Options{}}} {
		if s, err := NewScheduled(c.name, DefaultConfig(), c.o); err == nil || s != nil {
			t.Errorf("%s, %+v: %v, %v", c.name, c.o, s, err)
		}
	}
}

func TestSchedulesAreNamedAndFall(t *testing.T) {
	for _, name := range Names() {
		for _, schedule := range Schedules(name) {
			if ScheduleLabel(schedule) == schedule {
				t.Errorf("%s has no label", schedule)
			}
			for _, steps := range []int{1, 2, 11, 50} {
				s, err := NewScheduled(name, DefaultConfig(), Options{Steps: steps, Schedule: schedule, XL: true})
				if err != nil {
					t.Fatalf("%s, %s, %d steps: %v", name, schedule, steps, err)
				}
				for i := 1; i < s.Steps(); i++ {
					if s.Timestep(i) > s.Timestep(i-1) {
						t.Errorf("%s, %s, %d steps: timestep %d is %v after %v", name, schedule, steps, i, s.Timestep(i), s.Timestep(i-1))
					}
				}
			}
		}
	}
}

// A run that begins at an inner pass, as one that knows nothing of passes does, still ends well.
func TestTwoPassSamplersBeginAnywhere(t *testing.T) {
	for _, name := range []string{Heun, DPMPPSDE} {
		for start := range Passes(name, 8) {
			s, err := New(name, DefaultConfig(), 8, false)
			if err != nil {
				t.Fatal(err)
			}
			g, x, out := NewGenerator(1), make([]float32, 64), make([]float32, 64)
			g.Normal(x)
			noise, ones := make([]float32, 64), slices.Repeat([]float32{1}, 64)
			g.Normal(noise)
			image := append([]float32(nil), x...)
			s.AddNoise(x, noise, start)
			for i := start; i < s.Steps(); i++ {
				// The output for which the image is found: Denoised is x - sigma·output.
				s.Denoised(noise, make([]float32, 64), ones, i)
				for j := range out {
					out[j] = (image[j] - x[j]) / noise[j]
				}
				s.Step(x, out, i, g.Normal)
			}
			if diff, _ := maxDiff(t, x, image); diff > 1e-3 {
				t.Errorf("%s from pass %d: off by %g", name, start, diff)
			}
		}
	}
}

func TestFirstPass(t *testing.T) {
	if got := FirstPass(Euler, 20, 0.35); got != 13 {
		t.Errorf("euler begins at pass %d", got)
	}
	if got := FirstPass(Heun, 20, 0.35); got != 26 {
		t.Errorf("heun begins at pass %d", got)
	}
}

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig([]byte(`{"_class_name":"DPMSolverMultistepScheduler","beta_start":0.00085,"beta_end":0.012,
		"beta_schedule":"scaled_linear","lambda_min_clipped":-Infinity,"trained_betas":null,"steps_offset":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.TrainTimesteps != 1000 || c.BetaSchedule != ScaledLinear || c.PredictionType != Epsilon || c.StepsOffset != 1 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{
		``, `[]`, `{"beta_schedule":"sigmoid"}`, `{"prediction_type":"sample"}`, `{"timestep_spacing":"even"}`,
		`{"num_train_timesteps":1}`, `{"num_train_timesteps":1e9}`, `{"beta_start":0}`, `{"beta_end":2}`,
		`{"steps_offset":-1}`, `{"clip_sample_range":0}`, `{"final_sigmas_type":"one"}`, `{"thresholding":true}`,
		`{"original_inference_steps":-1}`, `{"timestep_scaling":-1}`, `{"trained_betas":[0.1]}`, `{"use_flow_sigmas":true}`, `{"timestep_type":"continuous"}`,
	} {
		if _, err := ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestStartStep(t *testing.T) {
	for _, c := range []struct {
		steps    int
		strength float64
		want     int
	}{{20, 1, 0}, {20, 0.5, 10}, {20, 0.35, 13}, {20, 0.01, 19}, {1, 0.5, 0}} {
		if got := StartStep(c.steps, c.strength); got != c.want {
			t.Errorf("StartStep(%d, %v) = %d, want %d", c.steps, c.strength, got, c.want)
		}
	}
}

func TestKeep(t *testing.T) {
	// diffusers: 1 - float(i/n < start or (i+1)/n > end)
	for _, c := range []struct {
		start, end float64
		want       string
	}{{0, 1, "1111111111"}, {0, 0.8, "1111111100"}, {0.2, 0.75, "0011111000"}, {0.25, 0.3, "0000000000"}} {
		got := ""
		for i := range 10 {
			if Keep(i, 10, c.start, c.end) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != c.want {
			t.Errorf("Keep(%v…%v) = %s, want %s", c.start, c.end, got, c.want)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	for _, name := range Names() {
		b.Run(name, func(b *testing.B) {
			s, err := New(name, DefaultConfig(), 20, true)
			if err != nil {
				b.Fatal(err)
			}
			g := NewGenerator(1)
			x, out := make([]float32, 4*64*64), make([]float32, 4*64*64)
			i := 0
			for b.Loop() {
				s.Step(x, out, i%s.Steps(), g.Normal)
				i++
			}
		})
	}
}

func BenchmarkNormal(b *testing.B) {
	g, x := NewGenerator(1), make([]float32, 4*64*64)
	for b.Loop() {
		g.Normal(x)
	}
}
