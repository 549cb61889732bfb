//go:build export

package inference

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maquette/inference/graph"
	"maquette/inference/runtime"
)

// exportedStarter exports the bundled checkpoint and one of its ControlNets.
func exportedStarter(t *testing.T) (string, *ExportManifest) {
	t.Helper()
	r := starter(t)
	dir := filepath.Join(t.TempDir(), "onnx")
	m, err := ExportONNX(t.Context(), ExportRequest{Checkpoint: r.Checkpoint, ControlNets: []string{r.Controls[0].ControlNet}, Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// needed is an environment variable that make test-export sets.
func needed(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; make test-export sets it", name)
	}
	return value
}

func TestCheckerAcceptsTheStarter(t *testing.T) {
	dir, _ := exportedStarter(t)
	out, err := exec.CommandContext(t.Context(), needed(t, "MAQUETTE_ONNX_PYTHON"), "testdata/check_onnx.py", dir).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// webNetwork is a network for testdata/export.html, with the inputs it shall run on.
type webNetwork struct {
	Name    string           `json:"name"`
	Model   string           `json:"model"`
	Weights string           `json:"weights"`
	Inputs  []ExportedTensor `json:"inputs"`
}

// webBench serves models and inputs to a browser and keeps what it computes.
type webBench struct {
	plan   []webNetwork
	inputs map[string][]byte // by NETWORK/NAME, little-endian
	got    map[string][]float32
	end    chan error
}

func (b *webBench) handler(dir, ortWeb string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/export.html") })
	mux.Handle("GET /ort/", http.StripPrefix("/ort/", http.FileServer(http.Dir(ortWeb))))
	mux.Handle("GET /export/", http.StripPrefix("/export/", http.FileServer(http.Dir(dir))))
	mux.HandleFunc("GET /plan.json", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(b.plan) })
	mux.HandleFunc("GET /input/", func(w http.ResponseWriter, r *http.Request) {
		w.Write(b.inputs[strings.TrimPrefix(r.URL.Path, "/input/")])
	})
	mux.HandleFunc("POST /output/", func(_ http.ResponseWriter, r *http.Request) {
		// A body that breaks off leaves too few values, which the test finds.
		data, _ := io.ReadAll(r.Body)
		values := make([]float32, len(data)/4)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		b.got[strings.TrimPrefix(r.URL.Path, "/output/")] = values
	})
	mux.HandleFunc("POST /done", func(http.ResponseWriter, *http.Request) { b.end <- nil })
	mux.HandleFunc("POST /failed", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		b.end <- fmt.Errorf("in the browser: %s", text)
	})
	return mux
}

// browse opens url in headless Chromium until the page reports its end.
func (b *webBench) browse(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	browser := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), url)
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	browser.Cancel = func() error { return syscall.Kill(-browser.Process.Pid, syscall.SIGTERM) }
	browser.WaitDelay = 10 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() { left <- browser.Wait() }()
	var err error
	select {
	case err = <-b.end:
	case err = <-left:
		t.Fatalf("chromium ended early: %v", err)
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancel()
	<-left
	if err != nil {
		t.Fatal(err)
	}
}

// onnxruntime-web runs every network of the exported starter, and gives what
// ONNX Runtime gives for Maquette's own graphs.
func TestBrowserRunsTheStarter(t *testing.T) {
	dir, manifest := exportedStarter(t)
	e := newEngine(t, Config{})
	r := starter(t)
	_, graphs, err := exportModels(ExportRequest{Checkpoint: r.Checkpoint, ControlNets: []string{r.Controls[0].ControlNet}})
	if err != nil {
		t.Fatal(err)
	}
	b := &webBench{inputs: map[string][]byte{}, got: map[string][]float32{}, end: make(chan error, 1)}
	want := map[string][]float32{}
	for i, n := range manifest.Networks {
		s, err := e.rt.NewSession(t.Context(), graphs[i].model, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := exportInputs(t, s)
		net := webNetwork{n.Name, n.Model, n.Weights, nil}
		for _, input := range s.Inputs() {
			x := in[input.Name]
			var data any = x.Float32()
			if input.Type == graph.Int64 {
				data = x.Int64()
			}
			key := n.Name + "/" + input.Name
			if b.inputs[key], err = binary.Append(nil, binary.LittleEndian, data); err != nil {
				t.Fatal(err)
			}
			net.Inputs = append(net.Inputs, ExportedTensor{input.Name, typeName(input.Type), x.Shape()})
		}
		b.plan = append(b.plan, net)
		out, err := s.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range out {
			want[n.Name+"/"+name] = append([]float32(nil), x.Float32()...)
		}
		runtime.CloseAll(out)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(b.handler(dir, needed(t, "MAQUETTE_ORT_WEB")))
	defer server.Close()
	began := time.Now()
	b.browse(t, server.URL)
	t.Logf("%d networks in the browser took %.1f s", len(b.plan), time.Since(began).Seconds())
	for key, values := range want {
		got := b.got[key]
		if len(got) != len(values) {
			t.Fatalf("%s: %d values, want %d", key, len(got), len(values))
		}
		most := 0.0
		for i, v := range values {
			d := math.Abs(float64(got[i]-v)) / (1 + math.Abs(float64(v)))
			if !(d < 1e-3) {
				t.Fatalf("%s[%d] is %v, want %v", key, i, got[i], v)
			}
			most = max(most, d)
		}
		t.Logf("%s: %d values differ by at most %.1e", key, len(values), most)
	}
}
