package inference

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maquette/inference/runtime"
)

// A step on a GPU leaves no node to the CPU, and the ControlNet's residuals there:
// what it needs doesn't go back and forth.
func TestStepLeavesNoNodeOnTheCPU(t *testing.T) {
	softwareVulkan(t)
	dir := t.TempDir()
	e := newEngine(t, Config{Providers: []string{"webgpu"}, Profile: dir})
	r := small(t, "narrow-dpm-karras")
	r.Steps = 1
	if len(r.Controls) == 0 {
		t.Fatal("no ControlNet takes part")
	}
	e.exec = func(ctx context.Context, s *runtime.Session, in inputs) (inputs, error) {
		largest := 3 * r.Width * r.Height // the control image is
		if s.Name() == "UNet" {
			if takesResiduals(s) {
				t.Error("residuals are inputs of the UNet's graph, so they go through the host's memory")
			}
		} else if s.Name() == "ControlNet" {
			t.Error("the ControlNet runs by itself, so its residuals go through the host's memory")
		}
		out, err := runSession(ctx, s, in)
		for name, x := range out {
			if n := len(x.Float32()); n > largest {
				t.Errorf("the %s gives the host %s of %d values", s.Name(), name, n)
			}
		}
		return out, err
	}
	if res := render(t, e, r, nil); res.Provider != "WebGPU" {
		t.Fatalf("rendered on %s", res.Provider)
	}
	if err := e.Close(); err != nil { // writes the profiles
		t.Fatal(err)
	}
	for _, network := range []string{"UNet", "ControlNet's-hint-block", "VAE-decoder"} {
		files, err := filepath.Glob(filepath.Join(dir, network+"_*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no profile of the %s: %v", network, err)
		}
		for _, file := range files {
			on := nodes(t, file)
			inside := slices.ContainsFunc(on["WebGpuExecutionProvider"], func(name string) bool { return strings.HasPrefix(name, "then_") })
			if inside != (network == "UNet") {
				t.Errorf("%s: nodes of a ControlNet inside: %v", network, inside)
			}
			t.Logf("%s: %d nodes on WebGPU, on the CPU %q", network, len(on["WebGpuExecutionProvider"]), on["CPUExecutionProvider"])
			if len(on["WebGpuExecutionProvider"]) == 0 || len(on["CPUExecutionProvider"]) > 0 {
				t.Errorf("the %s has %d nodes on the GPU and on the CPU %q", network, len(on["WebGpuExecutionProvider"]), on["CPUExecutionProvider"])
			}
		}
	}
}

// nodes are the names of the nodes in a profile, by provider.
func nodes(t *testing.T, file string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Category string `json:"cat"`
		Name     string
		Args     struct{ Provider string }
	}
	if err := json.Unmarshal(data, &events); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	seen, out := map[string]bool{}, map[string][]string{}
	for _, e := range events {
		name, kernel := strings.CutSuffix(e.Name, "_kernel_time")
		if e.Category == "Node" && kernel && !seen[name] {
			seen[name] = true
			out[e.Args.Provider] = append(out[e.Args.Provider], name)
		}
	}
	return out
}
