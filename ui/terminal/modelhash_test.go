package terminal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/projects"
)

func storeLoRA(t *testing.T, path string, value byte) (sum string) {
	t.Helper()
	head := []byte(`{"lora_unet_x.lora_down.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`)
	data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	data = append(data, value, 0, 0, 0)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func TestModelsHashAndFind(t *testing.T) {
	b := newBench(t)
	dir := b.path("models")
	one, two := filepath.Join(dir, "one.safetensors"), filepath.Join(dir, "two.safetensors")
	hashes := map[string]string{one: storeLoRA(t, one, 1), two: storeLoRA(t, two, 2)}
	library, err := projects.NewLibrary([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.models = library
	b.ok("models", "hash", "--json")
	events := b.events()
	if len(events) != 2 {
		t.Fatalf("%v", events)
	}
	for _, e := range events {
		if e["sha256"] != hashes[e["path"].(string)] || len(e["weights_sha256"].(string)) != 64 {
			t.Errorf("%v", e)
		}
	}
	b.ok("models", "hash", two)
	if out := b.out.String(); !strings.Contains(out, hashes[two][:10]+"  ") || !strings.Contains(out, two) || strings.Contains(out, one) {
		t.Errorf("%s", out)
	}
	b.ok("models", "find", strings.ToUpper(hashes[two][:10]))
	if got := strings.TrimSpace(b.out.String()); got != two {
		t.Errorf("found %q", got)
	}
	for want, args := range map[string][]string{
		"no model of the library": {"models", "find", "00000000000000000000"},
		"hexadecimal digits":      {"models", "find", "style"},
		"no such file":            {"models", "hash", b.path("none")},
	} {
		if code := b.run(t.Context(), args...); code == ExitOK || !strings.Contains(b.err.String(), want) {
			t.Errorf("%v: exit code %d, %s", args, code, b.err.String())
		}
	}
}

// A recipe whose LoRA was moved and renamed finds it by its hash.
func TestRenderLikeFindsMovedModels(t *testing.T) {
	b := newBench(t)
	dir := b.path("models")
	moved := filepath.Join(dir, "renamed.safetensors")
	sum := storeLoRA(t, moved, 5)
	library, err := projects.NewLibrary([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := b.path("old", "style.safetensors")
	r := projects.DefaultRecipe()
	r.Prompt, r.LoRAs = "a box", []projects.RecipeLoRA{{Path: old, UNet: 1, Text: 1}}
	data, err := json.Marshal(map[string]any{"schema": 1, "recipe": r, "model_sha256": map[string]string{old: sum}})
	if err != nil {
		t.Fatal(err)
	}
	side := b.path("concept.json")
	if err := os.WriteFile(side, data, 0o666); err != nil {
		t.Fatal(err)
	}
	s := &session{App: &App{Out: &b.out, Err: &b.err}}
	got, err := s.likeRecipe(t.Context(), library, side, "")
	if err != nil || len(got.LoRAs) != 1 || got.LoRAs[0].Path != moved {
		t.Fatalf("%+v, %v", got.LoRAs, err)
	}
	if !strings.Contains(b.err.String(), old) || !strings.Contains(b.err.String(), moved) {
		t.Errorf("%s", b.err.String())
	}
}
