package inference

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/inference/graph"
	"maquette/inference/internal/models"
	"maquette/inference/runtime"
)

// openExport loads a network of an export as any program would: from its files.
func openExport(t *testing.T, e *Engine, dir string, n ExportedNetwork) *runtime.Session {
	t.Helper()
	proto, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(n.Model)))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]graph.DType{"float32": graph.Float32, "int64": graph.Int64}
	list := func(tensors []ExportedTensor) (out []graph.IO) {
		for _, x := range tensors {
			out = append(out, graph.IO{Name: x.Name, Type: types[x.Type], Shape: x.Shape})
		}
		return out
	}
	s, err := e.rt.NewSession(t.Context(), &graph.Model{Name: n.Name, Proto: proto, Root: filepath.Join(dir, n.Name),
		Inputs: list(n.Inputs), Outputs: list(n.Outputs)}, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// exportInputs makes random inputs for a network: two images of 96×64 pixels.
func exportInputs(t *testing.T, s *runtime.Session) map[string]*runtime.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	in := map[string]*runtime.Tensor{}
	for _, io := range s.Inputs() {
		var sizes []int64
		switch name := strings.TrimPrefix(io.Name, "prev_"); {
		case name == "mid" || strings.HasPrefix(name, "down_"):
			sizes = []int64{1, 1, 1, 1}
		case name == "image":
			sizes = []int64{2, 3, 64, 96}
		case name == "sample" || name == "latents" || name == "hint":
			sizes = []int64{2, 4, 8, 12}
		case name == "weight":
			sizes = []int64{0, 2}
		default:
			sizes = []int64{2, 77, 0}
		}
		shape, n := append([]int64{}, io.Shape...), int64(1)
		for i := range shape {
			if shape[i] == graph.Dynamic {
				shape[i] = sizes[i]
			}
			n *= shape[i]
		}
		var err error
		if io.Type == graph.Int64 {
			ids := make([]int64, n)
			for i := range ids {
				ids[i] = r.Int64N(49408)
			}
			in[io.Name], err = runtime.NewInt64(shape, ids)
		} else {
			values := make([]float32, n)
			for i := range values {
				values[i] = float32(r.NormFloat64())
			}
			in[io.Name], err = runtime.NewFloat32(shape, values)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { runtime.CloseAll(in) })
	return in
}

// Every network of an export gives what the graph that Render runs gives, in
// every family, from folders and single files, with weights stored as they are
// or converted.
func TestExportedNetworksComputeTheSame(t *testing.T) {
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{})
	for _, c := range []struct {
		family string
		single bool
		dtype  models.DType
		req    ExportRequest
		want   string // networks
	}{
		{"sd1", false, models.F32, ExportRequest{}, "text_encoder controlnet_hint controlnet controlnet_hint_2 controlnet_2 unet vae_decoder vae_encoder"},
		{"sd2", true, models.F16, ExportRequest{Precision: ExportFP32}, "text_encoder controlnet_hint controlnet unet vae_decoder vae_encoder"},
		{"sdxl", false, models.F16, ExportRequest{Precision: ExportFP16, Fused: true, Width: 96, Height: 64}, "text_encoder text_encoder_2 controlnet_hint controlnet unet vae_decoder vae_encoder"},
		{"sdxl", true, models.E4M3, ExportRequest{Precision: ExportFP16}, "text_encoder text_encoder_2 controlnet_hint controlnet unet vae_decoder vae_encoder"},
		{"sd1-inpaint", false, models.BF16, ExportRequest{Precision: ExportFP32}, "text_encoder unet vae_decoder vae_encoder"},
	} {
		m, dir := all[c.family], t.TempDir()
		req := c.req
		req.Checkpoint, req.Dir = filepath.Join(dir, "model"), filepath.Join(dir, "out", "onnx")
		if c.single {
			req.Checkpoint += ".safetensors"
			err = models.Write(req.Checkpoint, m.Fuse(m.Single), c.dtype)
		} else {
			err = m.WriteFolder(req.Checkpoint, "", 1, c.dtype)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Control != nil {
			net := filepath.Join(dir, "control.safetensors")
			if err := models.Write(net, m.Fuse(m.Control), c.dtype); err != nil {
				t.Fatal(err)
			}
			req.ControlNets = make([]string, strings.Count(c.want, "controlnet_hint"))
			for i := range req.ControlNets {
				req.ControlNets[i] = net
			}
		}
		var last ExportProgress
		manifest, err := ExportONNX(t.Context(), req, func(p ExportProgress) {
			if p.Done <= last.Done || p.Done > p.Total {
				t.Fatalf("progress goes from %+v to %+v", last, p)
			}
			last = p
		})
		if err != nil {
			t.Fatal(err)
		}
		if last.Done != last.Total {
			t.Errorf("%s: %d of %d bytes at the end", c.family, last.Done, last.Total)
		}
		checkManifest(t, req, manifest, c.want)
		_, graphs, err := exportModels(req)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range manifest.Networks {
			compareExport(t, e, req.Dir, n, graphs[i].model)
		}
	}
}

// checkManifest checks what an export wrote beside the networks.
func checkManifest(t *testing.T, req ExportRequest, manifest *ExportManifest, want string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(req.Dir, "export.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read ExportManifest
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range read.Networks {
		names = append(names, n.Name)
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s has %s, want %s", req.Checkpoint, got, want)
	}
	if read.Family != manifest.Family || read.ScalingFactor < 0.1 || read.Prediction == "" || len(read.PadTokens) == 0 {
		t.Errorf("the manifest says %+v", read)
	}
	left, err := os.ReadDir(filepath.Dir(req.Dir))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the export: %v, %v", left, err)
	}
}

// compareExport runs an exported network and its graph on the same inputs.
func compareExport(t *testing.T, e *Engine, dir string, n ExportedNetwork, g *graph.Model) {
	t.Helper()
	exported := openExport(t, e, dir, n)
	original, err := e.rt.NewSession(t.Context(), g, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	in := exportInputs(t, original)
	want, err := original.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.CloseAll(want)
	got, err := exported.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.CloseAll(got)
	if len(got) != len(want) {
		t.Fatalf("%s has %d outputs, want %d", n.Name, len(got), len(want))
	}
	for name := range want {
		a, b := want[name].Float32(), got[name].Float32()
		if len(a) == 0 || len(a) != len(b) {
			t.Fatalf("%s: %s has %d values, want %d", n.Name, name, len(b), len(a))
		}
		for i := range a {
			if d := math.Abs(float64(a[i] - b[i])); !(d <= 1e-4*(1+math.Abs(float64(a[i])))) {
				t.Fatalf("%s: %s[%d] is %v, want %v", n.Name, name, i, b[i], a[i])
			}
		}
	}
}

func TestExportReplacesOnlyExports(t *testing.T) {
	req := ExportRequest{Checkpoint: small(t, "narrow-ddim").Checkpoint, Dir: filepath.Join(t.TempDir(), "onnx")}
	if _, err := ExportONNX(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	var there *ExportExistsError
	if _, err := ExportONNX(t.Context(), req, nil); !errors.As(err, &there) || there.Foreign {
		t.Errorf("over an export: %v", err)
	}
	req.Overwrite = true
	stale := filepath.Join(req.Dir, "stale")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportONNX(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the earlier export is still there: %v", err)
	}
	req.Dir = t.TempDir()
	mine := filepath.Join(req.Dir, "thesis.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportONNX(t.Context(), req, nil); !errors.As(err, &there) || !there.Foreign {
		t.Errorf("over another folder: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestCancelledExportLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	parent := t.TempDir()
	req := ExportRequest{Checkpoint: small(t, "narrow-ddim").Checkpoint, Dir: filepath.Join(parent, "onnx")}
	_, err := ExportONNX(ctx, req, func(p ExportProgress) {
		if p.Network == "unet" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestExportRefuses(t *testing.T) {
	checkpoint := small(t, "narrow-ddim").Checkpoint
	dir := filepath.Join(t.TempDir(), "onnx")
	for field, r := range map[string]ExportRequest{
		"Dir":       {Checkpoint: checkpoint},
		"Precision": {Checkpoint: checkpoint, Dir: dir, Precision: "int3"},
		"Width":     {Checkpoint: checkpoint, Dir: dir, Width: 100, Height: 64},
		"Height":    {Checkpoint: checkpoint, Dir: dir, Width: 64},
	} {
		var wrong *RequestError
		if _, err := ExportONNX(t.Context(), r, nil); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := ExportONNX(t.Context(), ExportRequest{Checkpoint: dir, Dir: dir}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no checkpoint: %v", err)
	}
	if _, err := convert([]byte{0, 0, 0x80, 0x7f, 0, 0, 0x80, 0x47}, graph.Float32, graph.Float16); err == nil || !strings.Contains(err.Error(), "65536") {
		t.Errorf("a value too large for fp16: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused export made its folder: %v", err)
	}
}
