package inference

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// profiledNode is an event of the profiles that ONNX Runtime writes, as far as
// it tells of an operator that ran.
type profiledNode struct {
	Category string `json:"cat"`
	Name     string
	Duration int64 `json:"dur"` // µs
	Args     struct {
		Op      string        `json:"op_name"`
		Inputs  []shapeByType `json:"input_type_shape"`
		Outputs []shapeByType `json:"output_type_shape"`
	}
}

// shapeByType is a tensor's shape under its type's name.
type shapeByType map[string][]int64

func dims(list []shapeByType, i int) []int64 {
	if i < len(list) {
		for _, shape := range list[i] {
			return shape
		}
	}
	return nil
}

func elements(shape []int64) float64 {
	n := 1.0
	for _, d := range shape {
		n *= float64(d)
	}
	return n
}

// operations is the arithmetic of a node: multiplications and additions of
// convolutions, matrix products and attention; 0 for all others, which move data.
func (n profiledNode) operations() float64 {
	a, b, out := dims(n.Args.Inputs, 0), dims(n.Args.Inputs, 1), dims(n.Args.Outputs, 0)
	if len(a) == 0 || len(out) == 0 {
		return 0
	}
	// A matrix that was packed when the model was loaded is missing in the list.
	switch op := n.Args.Op; {
	case strings.HasSuffix(op, "Conv") && len(b) == 4:
		return 2 * elements(out) * elements(b[1:])
	case strings.Contains(op, "MatMul"), strings.HasSuffix(op, "Gemm"):
		return 2 * elements(out) * float64(a[len(a)-1])
	case op == "MultiHeadAttention" && len(b) == 3:
		return 4 * elements(a) * float64(b[1])
	}
	return 0
}

// opTotal is what all nodes of one operator took.
type opTotal struct {
	op         string
	nodes      int
	time       time.Duration
	operations float64
}

// readProfile adds up a profile by operator, the slowest first.
func readProfile(path string) ([]opTotal, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var events []profiledNode
	if err := json.Unmarshal(data, &events); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	totals := map[string]*opTotal{}
	for _, e := range events {
		if e.Category != "Node" || !strings.HasSuffix(e.Name, "_kernel_time") {
			continue
		}
		t := totals[e.Args.Op]
		if t == nil {
			t = &opTotal{op: e.Args.Op}
			totals[e.Args.Op] = t
		}
		t.nodes++
		t.time += time.Duration(e.Duration) * time.Microsecond
		t.operations += e.operations()
	}
	list := make([]opTotal, 0, len(totals))
	for _, op := range slices.Sorted(maps.Keys(totals)) {
		list = append(list, *totals[op])
	}
	slices.SortStableFunc(list, func(p, q opTotal) int { return cmp.Compare(q.time, p.time) })
	return list, nil
}

// tell writes where the time of a network went, as rows of a Markdown table.
// peak is the machine's arithmetic, in operations a second.
func tell(w io.Writer, network string, list []opTotal, peak float64) {
	var all opTotal
	for _, t := range list {
		all.nodes, all.time, all.operations = all.nodes+t.nodes, all.time+t.time, all.operations+t.operations
	}
	const least = 0.01 // what is less is summed up
	all.op = "**all**"
	rest := opTotal{op: "others"}
	rows := []opTotal{all}
	for _, t := range list {
		if t.time.Seconds() >= least*all.time.Seconds() {
			rows = append(rows, t)
			continue
		}
		rest.nodes, rest.time, rest.operations = rest.nodes+t.nodes, rest.time+t.time, rest.operations+t.operations
	}
	for _, t := range append(rows, rest) {
		if t.time == 0 {
			continue
		}
		speed, share := "", ""
		if t.operations > 0 {
			speed = fmt.Sprintf("%.0f", t.operations/t.time.Seconds()/1e9)
			share = fmt.Sprintf("%.0f %%", 100*t.operations/t.time.Seconds()/peak)
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.1f | %.1f %% | %s | %s |\n", network, t.op, t.nodes,
			float64(t.time.Microseconds())/1000, 100*t.time.Seconds()/all.time.Seconds(), speed, share)
	}
}

// peakOperations is the machine's arithmetic in float32, as its fastest matrix
// product shows it: operations a second.
func peakOperations(t testing.TB, e *Engine) float64 {
	t.Helper()
	const side = 2048
	b := graph.New("matrix product")
	x := b.Input("x", graph.Float32, side, side)
	b.Output("y", x.MatMul(b.Input("w", graph.Float32, side, side)))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.rt.NewSession(t.Context(), m, runtime.Options{Threads: e.cfg.Threads})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := map[string]*runtime.Tensor{}
	for _, name := range []string{"x", "w"} {
		if in[name], err = runtime.NewFloat32([]int64{side, side}, make([]float32, side*side)); err != nil {
			t.Fatal(err)
		}
		defer in[name].Close()
	}
	best := time.Hour
	for range 8 {
		began := time.Now()
		out, err := s.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
		runtime.CloseAll(out)
	}
	return 2 * side * side * side / best.Seconds()
}

// profile renders with a profile of every network and writes the table.
func profile(t testing.TB, w io.Writer, title string, req Request, precision Precision) {
	t.Helper()
	dir := t.TempDir()
	e, err := New(Config{Precision: precision, Profile: dir, Int8Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	peak := peakOperations(t, e)
	_, err = e.Render(context.Background(), req, nil)
	if closeErr := e.Close(); err == nil { // which writes the profiles
		err = closeErr
	}
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("profiles %q, %v", files, err)
	}
	fmt.Fprintf(w, "\nWhere the time goes: %s, %s, %d steps. A product of 2048² matrices in float32 does %.0f billion operations a second here.\n\n",
		title, precision, req.Steps, peak/1e9)
	fmt.Fprintln(w, "| network | operator | nodes run | ms | of the network | billion operations/s | of the peak |\n|---|---|---|---|---|---|---|")
	for _, file := range files {
		list, err := readProfile(file)
		if err != nil {
			t.Fatal(err)
		}
		network, _, _ := strings.Cut(filepath.Base(file), "_")
		tell(w, strings.ReplaceAll(network, "-", " "), list, peak)
	}
}

// BenchmarkProfile writes where the time of a render goes, by operator. With
// MAQUETTE_FULLSIZE, the folder that testdata/make_fullsize.py writes, also that of
// Stable Diffusion 1.5 with a ControlNet.
func BenchmarkProfile(b *testing.B) {
	r := starter(b)
	r.Steps = 4
	full := os.Getenv("MAQUETTE_FULLSIZE")
	for b.Loop() {
		for _, precision := range []Precision{PrecisionFP32, PrecisionFast} {
			if full == "" {
				profile(b, os.Stdout, "starter, one control, 256²", r, precision)
				continue
			}
			profile(b, os.Stdout, "Stable Diffusion 1.5, one control, 512²", Request{
				Checkpoint: filepath.Join(full, "sd1.safetensors"), Prompt: r.Prompt, Width: 512, Height: 512, Steps: 2, Guidance: 7.5,
				Sampler: r.Sampler, Schedule: r.Schedule, Seed: 1, Count: 1,
				Controls: []Control{{ControlNet: filepath.Join(full, "sd1-controlnet.safetensors"), Image: drawing(512), Weight: 1, End: 1}},
			}, precision)
		}
	}
}

// The arithmetic of nodes is counted from their shapes.
func TestProfileCountsOperations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "UNet_1.json")
	if err := os.WriteFile(path, []byte(`[
		{"cat":"Session","name":"model_run","dur":9},
		{"cat":"Node","name":"a_kernel_time","dur":20,"args":{"op_name":"Conv","input_type_shape":[{"float":[2,4,8,8]},{"float":[6,4,3,3]},{"float":[6]}],"output_type_shape":[{"float":[2,6,8,8]}]}},
		{"cat":"Node","name":"b_kernel_time","dur":7,"args":{"op_name":"Add","input_type_shape":[{"float":[2,6]},{"float":[6]}],"output_type_shape":[{"float":[2,6]}]}},
		{"cat":"Node","name":"c_kernel_time","dur":10,"args":{"op_name":"MatMulIntegerToFloat","input_type_shape":[{"uint8":[2,16,32]},{"float":[]},{"float":[64]}],"output_type_shape":[{"float":[2,16,64]}]}},
		{"cat":"Node","name":"d_kernel_time","dur":10,"args":{"op_name":"MultiHeadAttention","input_type_shape":[{"float":[2,16,32]},{"float":[2,9,32]},{"float":[2,9,32]}],"output_type_shape":[{"float":[2,16,32]}]}},
		{"cat":"Node","name":"e_kernel_time","dur":10,"args":{"op_name":"Conv","input_type_shape":[{"float":[2,4,8,8]},{"float":[6,4,3,3]}],"output_type_shape":[{"float":[2,6,8,8]}]}}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	list, err := readProfile(path)
	if err != nil {
		t.Fatal(err)
	}
	conv := float64(2 * 2 * 6 * 8 * 8 * 4 * 3 * 3)
	want := []opTotal{
		{"Conv", 2, 30 * time.Microsecond, 2 * conv},
		{"MatMulIntegerToFloat", 1, 10 * time.Microsecond, 2 * 2 * 16 * 64 * 32},
		{"MultiHeadAttention", 1, 10 * time.Microsecond, 2 * 2 * 2 * 16 * 9 * 32},
		{"Add", 1, 7 * time.Microsecond, 0},
	}
	if !slices.Equal(list, want) {
		t.Errorf("got %v, want %v", list, want)
	}
	var table strings.Builder
	tell(&table, "UNet", list, 1e12)
	for _, row := range []string{"| UNet | **all** | 5 | 0.1 | 100.0 % |", "| UNet | Conv | 2 | 0.0 | 52.6 % | 4 | 0 % |", "| UNet | Add | 1 | 0.0 | 12.3 % |  |  |"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("no row %q in\n%s", row, &table)
		}
	}
}
