package runtime

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"maquette/inference/graph"
)

// The execution providers that Maquette knows.
const (
	CPU      = "CPU"
	WebGPU   = "WebGPU"
	CUDA     = "CUDA"
	TensorRT = "TensorRT"
	CoreML   = "CoreML"
	DirectML = "DirectML"
	OpenVINO = "OpenVINO"
)

// ProviderNames are the known providers, the CPU first.
func ProviderNames() []string {
	return []string{CPU, WebGPU, CUDA, TensorRT, CoreML, DirectML, OpenVINO}
}

// canonical is the known spelling of a provider's name, or the name itself: any
// provider of the library can be asked for.
func canonical(name string) string {
	name = strings.TrimSuffix(strings.TrimSpace(name), "ExecutionProvider")
	for _, known := range ProviderNames() {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// appendProvider puts the provider before the CPU in the session's list.
func appendProvider(so *ort.SessionOptions, name string, options map[string]string) error {
	if options == nil {
		options = map[string]string{}
	}
	switch name {
	case CPU:
		return nil
	case CUDA:
		cuda, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		defer cuda.Destroy()
		if err := cuda.Update(options); err != nil {
			return err
		}
		return so.AppendExecutionProviderCUDA(cuda)
	case TensorRT:
		trt, err := ort.NewTensorRTProviderOptions()
		if err != nil {
			return err
		}
		defer trt.Destroy()
		if err := trt.Update(options); err != nil {
			return err
		}
		return so.AppendExecutionProviderTensorRT(trt)
	case CoreML:
		return so.AppendExecutionProviderCoreMLV2(options)
	case DirectML:
		device := 0
		if text, ok := options["device_id"]; ok {
			var err error
			if device, err = strconv.Atoi(text); err != nil {
				return fmt.Errorf("device_id %q is not a number", text)
			}
		}
		// DirectML wants neither memory patterns nor parallel execution.
		if err := so.SetMemPattern(false); err != nil {
			return err
		}
		return so.AppendExecutionProviderDirectML(device)
	case OpenVINO:
		return so.AppendExecutionProviderOpenVINO(options)
	}
	return so.AppendExecutionProvider(name, options)
}

// Status says whether a provider works on this machine.
type Status struct {
	Name string
	OK   bool
	// Reason says why it doesn't work; empty if it does.
	Reason string
}

// Probe runs a small convolution on the provider and compares the result with
// what it must be.
func (r *Runtime) Probe(ctx context.Context, provider string, options map[string]string) Status {
	status := Status{Name: canonical(provider)}
	const side = 8
	b := graph.New("provider test")
	x := b.Input("x", graph.Float32, 1, 1, side, side)
	weight := b.Floats([]int64{1, 1, 3, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	b.Output("y", x.Conv2D(weight, graph.Value{}, 1, [4]int64{1, 1, 1, 1}).Sigmoid())
	y, err := r.try(ctx, b, status.Name, options, slices.Repeat([]float32{0.25}, side*side))
	if err == nil {
		want := 1 / (1 + math.Exp(-9*0.25))
		if got := float64(y[side+1]); !(math.Abs(got-want) < 1e-3) {
			err = fmt.Errorf("it computes wrong results (%v in place of %v)", got, want)
		}
	}
	if err != nil {
		status.Reason = plain(err)
		return status
	}
	status.OK = true
	return status
}

// try runs a model with one input x and one output y on one provider.
func (r *Runtime) try(ctx context.Context, b *graph.Builder, provider string, options map[string]string, x []float32) ([]float32, error) {
	return r.tryWith(ctx, b, provider, options, x, nil)
}

// tryWith is try for a model that has more inputs, behind x.
func (r *Runtime) tryWith(ctx context.Context, b *graph.Builder, provider string, options map[string]string, x []float32, more map[string]*Tensor) ([]float32, error) {
	if err := r.enter(ctx); err != nil {
		return nil, err
	}
	defer r.calls.Done()
	m, err := b.Model()
	if err != nil {
		return nil, err
	}
	sess, err := create(m, m.Proto, provider, Options{ProviderOptions: map[string]map[string]string{provider: options}})
	if err != nil {
		return nil, err
	}
	s := &Session{r: r, name: m.Name, provider: provider, inputs: m.Inputs, outputs: m.Outputs, sess: sess}
	defer s.Close()
	in, err := NewFloat32(m.Inputs[0].Shape, x)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	inputs := map[string]*Tensor{"x": in}
	maps.Copy(inputs, more)
	out, err := s.Run(ctx, inputs)
	if err != nil {
		return nil, err
	}
	defer CloseAll(out)
	return slices.Clone(out["y"].Float32()), nil
}

// proto is the form of the model that suits the provider. Fused attention is
// tried first, once for each provider: the WebGPU kernel of 1.30 gives wrong
// results on devices with subgroups of fewer than 8 lanes, such as SwiftShader.
func (r *Runtime) proto(ctx context.Context, m *graph.Model, provider string, o Options) []byte {
	if provider == CPU {
		return m.Proto
	}
	r.mu.Lock()
	good, known := r.attention[provider]
	r.mu.Unlock()
	if !known {
		worst, err := r.tryAttention(ctx, provider, o.ProviderOptions[provider])
		if ctx.Err() != nil {
			return m.Proto // not the provider's fault; the caller looks at ctx
		}
		good = err == nil && worst < 1e-3
		r.mu.Lock()
		if r.attention == nil {
			r.attention = map[string]bool{}
		}
		r.attention[provider] = good
		r.mu.Unlock()
		if !good {
			r.log.Warn("fused attention doesn't work here; it is spelled out, which takes more memory",
				"provider", provider, "difference", worst, "err", err)
		}
	}
	if good {
		return m.Proto
	}
	return m.Plain()
}

// tryAttention compares the provider's fused attention with the CPU's and gives
// the largest difference.
func (r *Runtime) tryAttention(ctx context.Context, provider string, options map[string]string) (float64, error) {
	const tokens, channels = 96, 64
	x := make([]float32, tokens*channels)
	for i := range x {
		x[i] = float32(math.Sin(float64(i*i%997))) * 2
	}
	run := func(provider string, options map[string]string) ([]float32, error) {
		b := graph.New("attention test")
		in := b.Input("x", graph.Float32, 1, tokens, channels)
		b.Output("y", in.Attention(in, in, 4))
		return r.try(ctx, b, provider, options, x)
	}
	got, err := run(provider, options)
	if err != nil {
		return 0, err
	}
	want, err := run(CPU, nil)
	if err != nil {
		return 0, err
	}
	worst := 0.0
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst, nil
}

// Half says whether a provider computes in float16, which some GPUs can't. It is
// tried once.
func (r *Runtime) Half(ctx context.Context, provider string) bool {
	return r.can(ctx, "float16", provider, func() error {
		const side = 8
		b := graph.New("float16 test")
		b.Numbers(graph.Numbers{Half: true})
		x := b.Input("x", graph.Float32, 1, 1, side, side)
		weight := b.Floats([]int64{1, 1, 3, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 1)
		b.Output("y", x.Conv2D(weight, graph.Value{}, 1, [4]int64{1, 1, 1, 1}).Sigmoid())
		y, err := r.try(ctx, b, canonical(provider), nil, slices.Repeat([]float32{0.25}, side*side))
		if want := 1 / (1 + math.Exp(-9*0.25)); err == nil && !(math.Abs(float64(y[side+1])-want) < 1e-2) {
			err = fmt.Errorf("it gives %v in place of %v", y[side+1], want)
		}
		return err
	})
}

// Branches says whether a provider with memory of its own runs graphs with an If,
// see graph.Builder.If. It is tried once. The CPU is not such a provider.
func (r *Runtime) Branches(ctx context.Context, provider string) bool {
	return r.can(ctx, "If", provider, func() error {
		for _, act := range []bool{true, false} {
			b := graph.New("test of branches")
			x := b.Input("x", graph.Float32, 1, 4)
			on := b.Input("on", graph.Bool, 1)
			zero := b.Floats([]int64{1, 1}, 0)
			twice := x.Add(x)
			sum := b.If(on, func() []graph.Value { return []graph.Value{twice.Sigmoid().Add(zero)} },
				func() []graph.Value { return []graph.Value{zero} })
			b.Output("y", x.AddResidual(sum[0]))
			cond, err := NewBool(act)
			if err != nil {
				return err
			}
			defer cond.Close()
			y, err := r.tryWith(ctx, b, canonical(provider), nil, []float32{-1, 0, 1, 2}, map[string]*Tensor{"on": cond})
			if err != nil {
				return err
			}
			want := 2.0
			if act {
				want += 1 / (1 + math.Exp(-4))
			}
			if !(math.Abs(float64(y[3])-want) < 1e-3) {
				return fmt.Errorf("it gives %v in place of %v", y[3], want)
			}
		}
		return nil
	})
}

// can says whether another provider than the CPU can do something, by a trial that
// is made once for each provider.
func (r *Runtime) can(ctx context.Context, what, provider string, trial func() error) bool {
	provider = canonical(provider)
	if provider == CPU {
		return false
	}
	key := ability{what, provider}
	r.mu.Lock()
	good, known := r.abilities[key]
	r.mu.Unlock()
	if known {
		return good
	}
	err := trial()
	if ctx.Err() != nil {
		return false // not the provider's fault; the caller looks at ctx
	}
	if err != nil {
		r.log.Warn("a provider lacks an ability", "provider", provider, "ability", what, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.abilities == nil {
		r.abilities = map[ability]bool{}
	}
	r.abilities[key] = err == nil
	return err == nil
}

// ability is something that not every provider can do.
type ability struct{ what, provider string }

// plain is an error of ONNX Runtime without the C++ source line and condition
// in front of its message.
func plain(err error) string {
	text := err.Error()
	for _, mark := range []string{" was false. ", "Status Message: "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			text = text[i+len(mark):]
		}
	}
	return strings.TrimSpace(text)
}
