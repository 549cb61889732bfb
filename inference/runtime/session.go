package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"maquette/inference/graph"
)

// Options say how a session runs.
type Options struct {
	// Providers are the execution providers to try, in this order; see
	// ProviderNames. The CPU is always tried last. Empty means the CPU alone.
	Providers []string
	// ProviderOptions are settings for a provider, by its name, such as
	// {"CUDA": {"device_id": "1"}}.
	ProviderOptions map[string]map[string]string
	// Threads is how many threads an operator uses on the CPU; 0 means one per core.
	Threads int
	// LowMemory leaves float32 weights mapped from their files in place of
	// copying them into a layout that runs faster.
	LowMemory bool
	// FreeAfterRun gives the memory of activations back after each run, where the
	// CPU runs the model, in place of keeping it for the next one.
	FreeAfterRun bool
	// Profile, if not empty, is the beginning of the path of a file that ONNX
	// Runtime writes when the session is closed: JSON with the time and the
	// provider of every node, in the format of Chrome's trace viewer.
	Profile string
	// Note receives a sentence for the user when a provider was passed over; may be nil.
	Note func(string)
	// Passed is told the providers that were passed over, and why; may be nil.
	Passed func(provider string, reason error)
}

// Session is a model that is ready to run. Runs of one session may overlap.
type Session struct {
	r        *Runtime
	name     string
	provider string
	inputs   []graph.IO
	outputs  []graph.IO
	weights  int64
	memory   int64

	spares pool

	mu   sync.RWMutex // held for reading while running, for writing by Close
	sess *ort.DynamicAdvancedSession
}

// NewSession loads a model on the first provider that takes it. What is passed
// over is told through Options.Note. ctx is looked at before each provider is
// tried. ONNX Runtime can't be stopped while it loads a model: when ctx ends
// meanwhile, NewSession returns, and what is loaded is freed when it is there. At
// most loadsAtOnce models are loaded at a time, those that were given up included.
func (r *Runtime) NewSession(ctx context.Context, m *graph.Model, o Options) (*Session, error) {
	return r.NewSessionFor(ctx, m.Name, func(string) (*graph.Model, error) { return m, nil }, o)
}

// NewSessionFor is NewSession for a model that is another one for each provider,
// such as one in other numbers. An error of build ends the search.
func (r *Runtime) NewSessionFor(ctx context.Context, title string, build func(provider string) (*graph.Model, error), o Options) (*Session, error) {
	if err := r.enter(ctx); err != nil {
		return nil, fmt.Errorf("loading the %s: %w", title, err)
	}
	defer r.calls.Done()
	var failures []error
	for _, name := range withCPU(o.Providers) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("loading the %s: %w", title, err)
		}
		m, err := build(name)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		sess, err := r.load(ctx, m, name, o)
		if ctx.Err() != nil {
			if err == nil {
				sess.Destroy()
			}
			return nil, fmt.Errorf("loading the %s: %w", title, ctx.Err())
		}
		if err == nil {
			r.log.Info("loaded model", "model", m.Name, "provider", name, "nodes", m.Nodes,
				"weights", m.WeightBytes, "took", time.Since(start))
			return &Session{r: r, name: m.Name, provider: name, inputs: m.Inputs, outputs: m.Outputs, weights: m.WeightBytes, memory: m.MemoryBytes, sess: sess}, nil
		}
		r.log.Warn("provider failed", "model", m.Name, "provider", name, "err", err)
		failures = append(failures, fmt.Errorf("%s: %w", name, err))
		if name != CPU && o.Passed != nil {
			o.Passed(name, errors.New(plain(err)))
		}
		if name != CPU && o.Note != nil {
			o.Note(fmt.Sprintf("%s can't run the %s, so the next provider does: %v", name, m.Name, plain(err)))
		}
	}
	return nil, fmt.Errorf("loading the %s: %w", title, errors.Join(failures...))
}

// load makes the session on one provider, or leaves it to be freed when ctx ends.
func (r *Runtime) load(ctx context.Context, m *graph.Model, provider string, o Options) (*ort.DynamicAdvancedSession, error) {
	proto := r.proto(ctx, m, provider, o)
	select {
	case r.loading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type result struct {
		sess *ort.DynamicAdvancedSession
		err  error
	}
	made := make(chan result)
	r.calls.Add(1) // Close waits for what is abandoned, too
	go func() {
		defer r.calls.Done()
		defer func() { <-r.loading }()
		sess, err := create(m, proto, provider, o)
		trimHeap()
		select {
		case made <- result{sess, err}:
		case <-ctx.Done():
			if err == nil {
				sess.Destroy()
			}
		}
	}()
	select {
	case got := <-made:
		return got.sess, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// withCPU is the list with the CPU last and nothing twice.
func withCPU(providers []string) []string {
	var list []string
	for _, p := range append(slices.Clone(providers), CPU) {
		if p = canonical(p); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	i := slices.Index(list, CPU)
	return list[:i+1]
}

// create makes the session on one provider.
func create(m *graph.Model, proto []byte, provider string, o Options) (*ort.DynamicAdvancedSession, error) {
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	if err := configure(so, m, o); err != nil {
		return nil, err
	}
	if err := appendProvider(so, provider, o.ProviderOptions[provider]); err != nil {
		return nil, err
	}
	ins, outs := names(m.Inputs), names(m.Outputs)
	return ort.NewDynamicAdvancedSessionWithONNXData(proto, ins, outs, so)
}

func configure(so *ort.SessionOptions, m *graph.Model, o Options) error {
	entries := [][2]string{
		// The models' weights are external data; this is the folder they are relative to.
		{"session.model_external_initializers_file_folder_path", m.Root},
		// Threads that spin while they wait take the cores from the window and from
		// each other. Measured on two cores that other programs used too, the
		// bundled checkpoint renders in 3.7 s and 2.3 s of CPU time without
		// spinning, and in 10 s and 4.4 s with it.
		{"session.intra_op.allow_spinning", "0"},
		{"session.use_device_allocator_for_initializers", "1"},
	}
	if m.Root == "" { // a model without weights
		entries = entries[1:]
	}
	if o.LowMemory {
		entries = append(entries, [2]string{"session.disable_prepacking", "1"})
	}
	for _, e := range entries {
		if err := so.AddSessionConfigEntry(e[0], e[1]); err != nil {
			return fmt.Errorf("session setting %s: %w", e[0], err)
		}
	}
	if err := so.SetGraphOptimizationLevel(level(m.WeightBytes, o)); err != nil {
		return err
	}
	if o.FreeAfterRun {
		// Without its arena, ONNX Runtime allocates the activations of a run as one
		// block, which goes back to the system.
		if err := so.SetCpuMemArena(false); err != nil {
			return err
		}
	}
	if o.Profile != "" {
		if err := so.EnableProfiling(o.Profile); err != nil {
			return err
		}
	}
	if o.Threads > 0 {
		return so.SetIntraOpNumThreads(o.Threads)
	}
	return nil
}

// level chooses how far ONNX Runtime rewrites a graph. "All" copies the weights
// of convolutions into a blocked layout. Measured on one core with AVX-512: a
// UNet of 17 MB runs 20 % faster and a small VAE decoder 45 %; the UNet of
// Stable Diffusion 1.5 runs no faster, loads in 12 s in place of 3 s and holds
// 2.6 GB of private memory in place of 0.2 GB, the rest being mapped files.
func level(weights int64, o Options) ort.GraphOptimizationLevel {
	const small = 400 << 20
	if weights > small || o.LowMemory {
		return ort.GraphOptimizationLevelEnableExtended
	}
	return ort.GraphOptimizationLevelEnableAll
}

func names(list []graph.IO) []string {
	out := make([]string, len(list))
	for i, io := range list {
		out[i] = io.Name
	}
	return out
}

// Provider is the name of the execution provider that runs the model.
func (s *Session) Provider() string { return s.provider }

// Name is the model's name.
func (s *Session) Name() string { return s.name }

// WeightBytes is the size of the model's weights in their files.
func (s *Session) WeightBytes() int64 { return s.weights }

// MemoryBytes is the size of the model's weights as they are computed with.
func (s *Session) MemoryBytes() int64 { return s.memory }

// Inputs are the model's inputs.
func (s *Session) Inputs() []graph.IO { return s.inputs }

// Outputs are the model's outputs.
func (s *Session) Outputs() []graph.IO { return s.outputs }

// Run runs the model. inputs must have a tensor for every input; the result has
// one for every output, which the caller closes and may feed to any session;
// what is closed is written to by a later run.
// When ctx ends, the run stops at the next operator and Run returns ctx's error.
func (s *Session) Run(ctx context.Context, inputs map[string]*Tensor) (map[string]*Tensor, error) {
	if err := s.r.enter(ctx); err != nil {
		return nil, fmt.Errorf("running the %s: %w", s.name, err)
	}
	defer s.r.calls.Done()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.sess == nil {
		return nil, fmt.Errorf("running the %s: %w", s.name, ErrClosed)
	}
	in, err := s.arrange(inputs)
	if err != nil {
		return nil, err
	}
	shapes := hashShapes(in)
	out, err := s.allocate(shapes)
	if err != nil {
		return nil, err
	}
	if err := run(ctx, s.sess, in, out); err != nil {
		for _, v := range out {
			if v != nil {
				v.Destroy()
			}
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("running the %s on %s: %w", s.name, s.provider, err)
	}
	result := make(map[string]*Tensor, len(out))
	for i, v := range out {
		result[s.outputs[i].Name] = &Tensor{value: v, home: &s.spares, shapes: shapes, output: i}
	}
	return result, nil
}

// run executes the session and terminates it when ctx ends.
func run(ctx context.Context, sess *ort.DynamicAdvancedSession, in, out []ort.Value) error {
	opts, err := ort.NewRunOptions()
	if err != nil {
		return err
	}
	defer opts.Destroy()
	terminated := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(terminated)
		// A failure to terminate only means that the run goes on to its end.
		_ = opts.Terminate()
	})
	err = sess.RunWithOptions(in, out, opts)
	if !stop() {
		<-terminated // opts must outlive the call to Terminate
	}
	return err
}

// arrange puts the inputs into the model's order and checks their shapes.
func (s *Session) arrange(inputs map[string]*Tensor) ([]ort.Value, error) {
	list := make([]ort.Value, len(s.inputs))
	for i, want := range s.inputs {
		t := inputs[want.Name]
		if t == nil || t.value == nil {
			return nil, fmt.Errorf("running the %s: input %s is missing; it has %s", s.name, want.Name, strings.Join(names(s.inputs), ", "))
		}
		if got := t.Shape(); !fits(got, want.Shape) {
			return nil, fmt.Errorf("running the %s: input %s has shape %v, want %s", s.name, want.Name, got, shapeText(want.Shape))
		}
		list[i] = t.value
	}
	if len(inputs) > len(s.inputs) {
		for name := range inputs {
			if !slices.Contains(names(s.inputs), name) {
				return nil, fmt.Errorf("running the %s: it has no input %s", s.name, name)
			}
		}
	}
	return list, nil
}

// allocate finds the outputs of an earlier run on inputs of these shapes, or makes
// those whose shapes are known beforehand, so that ONNX Runtime writes into Go's
// memory; it makes the others itself.
func (s *Session) allocate(shapes uint64) ([]ort.Value, error) {
	out := make([]ort.Value, len(s.outputs))
	for i, io := range s.outputs {
		if out[i] = s.spares.take(shapes, i); out[i] != nil {
			continue
		}
		if slices.Contains(io.Shape, graph.Dynamic) || io.Type != graph.Float32 {
			continue
		}
		v, err := ort.NewEmptyTensor[float32](ort.NewShape(io.Shape...))
		if err != nil {
			for _, v := range out[:i] {
				if v != nil {
					v.Destroy()
				}
			}
			return nil, fmt.Errorf("running the %s: output %s: %w", s.name, io.Name, err)
		}
		out[i] = v
	}
	return out, nil
}

func fits(got, want []int64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if want[i] != graph.Dynamic && want[i] != got[i] {
			return false
		}
	}
	return true
}

func shapeText(shape []int64) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = strconv.FormatInt(d, 10)
		if d == graph.Dynamic {
			parts[i] = "any"
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// Close frees the model, after the runs that are under way. Closing twice does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sess == nil {
		return nil
	}
	sess := s.sess
	s.sess = nil
	s.spares.close()
	defer trimHeap()
	if err := sess.Destroy(); err != nil {
		return fmt.Errorf("closing the %s: %w", s.name, err)
	}
	return nil
}
