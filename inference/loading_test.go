package inference

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"maquette/inference/checkpoint"
)

// large makes a component whose weights are a hole of some GB in a file.
func large(t *testing.T) *checkpoint.Component {
	t.Helper()
	const bytes = 8 << 30
	head, err := json.Marshal(map[string]any{"weight": map[string]any{"dtype": "F32", "shape": []int64{bytes / 4096 / 4, 4096}, "data_offsets": []int64{0, bytes}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "diffusion_pytorch_model.safetensors")
	start := append([]byte{byte(len(head)), 0, 0, 0, 0, 0, 0, 0}, head...)
	if err := os.WriteFile(path, start, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(start))+bytes); err != nil {
		t.Skipf("this file system has no files of 8 GB: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"_class_name": "ControlNetModel"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.OpenControlNet(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Reading a large file is told step by step and stops when it is cancelled.
func TestLoadingIsToldAndStops(t *testing.T) {
	c := large(t)
	ctx, cancel := context.WithCancel(context.Background())
	var fractions []float64
	var stopped time.Time
	m := newMeter(func(p Progress) {
		fractions = append(fractions, p.Fraction)
		if len(fractions) == 3 {
			cancel()
			stopped = time.Now()
		}
	}, 1, 1, false)
	l := &loading{m: m, shares: []float64{loadUnits}}
	err := l.readAhead(ctx, part{component: c})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(fractions) != 3 || fractions[0] <= 0 || fractions[2] <= fractions[1] {
		t.Errorf("progress %v; want three rising steps, and none after the cancellation", fractions)
	}
	t.Logf("stopped %v after the cancellation", time.Since(stopped))
}
