package runtime

import (
	"context"
	"fmt"
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
	if err := r.probe(ctx, status.Name, options); err != nil {
		status.Reason = err.Error()
		return status
	}
	status.OK = true
	return status
}

func (r *Runtime) probe(ctx context.Context, provider string, options map[string]string) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer r.calls.Done()
	const side = 8
	b := graph.New("provider test")
	x := b.Input("x", graph.Float32, 1, 1, side, side)
	weight := b.Floats([]int64{1, 1, 3, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	b.Output("y", x.Conv2D(weight, graph.Value{}, 1, [4]int64{1, 1, 1, 1}).Sigmoid())
	m, err := b.Model()
	if err != nil {
		return err
	}
	sess, err := create(m, provider, Options{ProviderOptions: map[string]map[string]string{provider: options}})
	if err != nil {
		return err
	}
	s := &Session{r: r, name: m.Name, provider: provider, inputs: m.Inputs, outputs: m.Outputs, sess: sess}
	defer s.Close()
	in, err := NewFloat32([]int64{1, 1, side, side}, slices.Repeat([]float32{0.25}, side*side))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := s.Run(ctx, map[string]*Tensor{"x": in})
	if err != nil {
		return err
	}
	defer CloseAll(out)
	want := 1 / (1 + math.Exp(-9*0.25))
	if got := float64(out["y"].Float32()[side+1]); math.Abs(got-want) > 1e-3 {
		return fmt.Errorf("it computes wrong results (%v in place of %v)", got, want)
	}
	return nil
}
