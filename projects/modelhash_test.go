package projects

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maquette/inference/checkpoint"
	"maquette/projects/settings"
)

// storeModel writes a safetensors file of one tensor, and returns its bytes and
// those of the tensor.
func storeModel(t *testing.T, path, tensor string, value byte, metadata map[string]string) (whole, weights []byte) {
	t.Helper()
	weights = make([]byte, 64)
	for i := range weights {
		weights[i] = value
	}
	head := map[string]any{tensor: map[string]any{"dtype": "F32", "shape": []int{16}, "data_offsets": []int{0, 64}}}
	if metadata != nil {
		head["__metadata__"] = metadata
	}
	text, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	whole = binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	whole = append(append(whole, text...), weights...)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	return whole, weights
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

const loraTensor = "lora_unet_x.lora_down.weight"

func newShelf(t *testing.T, folders ...string) *Library {
	t.Helper()
	l, err := NewLibrary(folders, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestModelsAreFoundByHash(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "sub", "b.safetensors")
	wholeA, weightsA := storeModel(t, a, loraTensor, 1, nil)
	wholeB, weightsB := storeModel(t, b, loraTensor, 2, map[string]string{"sshs_model_hash": "not one"})
	l := newShelf(t, dir)
	var progress []HashProgress
	for name, c := range map[string]struct{ hash, want string }{
		"SHA-256":       {sum(wholeA), a},
		"AutoV2":        {sum(wholeB)[:10], b},
		"AutoV3":        {sum(weightsB)[:12], b},
		"upper case":    {"0x" + strings.ToUpper(sum(weightsA)[:12]), a},
		"AutoV1 of all": {sum(nil)[:8], ""}, // of nothing: both are shorter than a megabyte
	} {
		e, err := l.FindModel(ctx, c.hash, checkpoint.KindLoRA, "", func(p HashProgress) { progress = append(progress, p) })
		if err != nil || c.want != "" && e.Path != c.want {
			t.Errorf("%s: %q, %v", name, e.Path, err)
		}
	}
	// Each file was read once, by whatever came first.
	if n := len(progress); n == 0 || n > 4 || progress[n-1].Total == 0 {
		t.Errorf("progress %+v", progress)
	}
	if _, err := l.FindModel(ctx, sum(wholeA), checkpoint.KindCheckpoint, "", nil); !errors.Is(err, ErrNoModel) {
		t.Errorf("of another kind: %v", err)
	}
	if _, err := l.FindModel(ctx, sum([]byte("x")), "", "", nil); !errors.Is(err, ErrNoModel) {
		t.Errorf("of no model: %v", err)
	}
	for _, bad := range []string{"", "1234567", "xyzxyzxyz", strings.Repeat("a", 65)} {
		if _, err := l.FindModel(ctx, bad, "", "", nil); err == nil || errors.Is(err, ErrNoModel) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	done, stop := context.WithCancel(ctx)
	stop()
	if _, err := newShelf(t, dir).FindModel(done, sum([]byte("y")), "", "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// What is known survives the program, and a file that changes is read again.
func TestHashesAreRemembered(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	a := filepath.Join(dir, "a.safetensors")
	whole, weights := storeModel(t, a, loraTensor, 1, nil)
	calls := 0
	get := func(l *Library) ModelHash {
		t.Helper()
		h, err := l.HashModel(ctx, a, func(HashProgress) { calls++ })
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := get(newShelf(t, dir)); h.SHA256 != sum(whole) || h.Weights != sum(weights) || len(h.Old) != 8 || calls == 0 {
		t.Errorf("%+v after %d calls", h, calls)
	}
	calls = 0
	if h := get(newShelf(t, dir)); h.SHA256 != sum(whole) || calls != 0 {
		t.Errorf("%+v was computed again", h)
	}
	whole, _ = storeModel(t, a, loraTensor, 7, nil)
	if err := os.Chtimes(a, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if h := get(newShelf(t, dir)); h.SHA256 != sum(whole) || calls == 0 {
		t.Errorf("a changed file has %+v", h)
	}
	// A cache that is damaged is made again.
	cache := filepath.Join(os.Getenv("MAQUETTE_CACHE"), "models", modelCacheName)
	if err := os.WriteFile(cache, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if h := get(newShelf(t, dir)); h.SHA256 != sum(whole) {
		t.Errorf("%+v", h)
	}
	if _, err := newShelf(t).HashModel(ctx, filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// The engine's hashes and a library's are stored in one place, and neither
// overwrites what the other has found meanwhile.
func TestTheEngineRemembersHashes(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "b.safetensors"), filepath.Join(dir, "c.safetensors")
	whole, _ := storeModel(t, a, loraTensor, 1, nil)
	storeModel(t, b, loraTensor, 2, nil)
	storeModel(t, c, loraTensor, 3, nil)
	library := newShelf(t, dir)
	if _, err := library.HashModel(ctx, b, nil); err != nil { // reads what is stored, which is nothing
		t.Fatal(err)
	}
	calls := 0
	hash := func() string {
		t.Helper()
		h, err := EngineConfig(settings.Settings{}, nil).Hash(ctx, a, func(done, total int64) { calls++ })
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := hash(); h != sum(whole) || calls == 0 {
		t.Errorf("%s after %d calls", h, calls)
	}
	if _, err := library.HashModel(ctx, c, nil); err != nil { // stores what the library knows
		t.Fatal(err)
	}
	calls = 0
	if h := hash(); h != sum(whole) || calls != 0 {
		t.Errorf("%s was computed again", h)
	}
	folder, err := EngineConfig(settings.Settings{}, nil).Hash(ctx, dir, nil)
	want, wantErr := checkpoint.HashWeights(ctx, dir)
	if err != nil || wantErr != nil || folder != want {
		t.Errorf("a folder: %s, %v; want %s", folder, err, want)
	}
}

// A scan reads the headers of files that it knows only once.
func TestScansRememberHeaders(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	a := filepath.Join(dir, "a.safetensors")
	whole, _ := storeModel(t, a, loraTensor, 1, nil)
	found, err := newShelf(t, dir).scan(ctx, []string{dir})
	if err != nil || len(found) != 1 || found[0].Kind != checkpoint.KindLoRA {
		t.Fatalf("%+v, %v", found, err)
	}
	// The same size and time, but nothing that a header could be read from.
	st, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a, make([]byte, len(whole)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(a, time.Time{}, st.ModTime()); err != nil {
		t.Fatal(err)
	}
	l := newShelf(t, dir)
	if found, err = l.scan(ctx, []string{dir}); err != nil || len(found) != 1 || found[0].Kind != checkpoint.KindLoRA {
		t.Errorf("the header was read again: %+v, %v", found, err)
	}
	if err := os.Chtimes(a, time.Time{}, st.ModTime().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	l.Refresh()
	if found, err = l.scan(ctx, []string{dir}); err != nil || len(found) != 1 || found[0].Reason == "" {
		t.Errorf("a changed file is %+v, %v", found, err)
	}
}

func TestRecipesFindTheirModels(t *testing.T) {
	isolate(t)
	ctx := context.Background()
	dir := t.TempDir()
	moved := filepath.Join(dir, "new", "renamed.safetensors")
	whole, weights := storeModel(t, moved, loraTensor, 3, nil)
	there := filepath.Join(dir, "there.safetensors")
	storeModel(t, there, loraTensor, 4, nil)
	l := newShelf(t, dir)
	old := filepath.Join(dir, "old", "style.safetensors")
	r := recipe("x")
	r.LoRAs = []RecipeLoRA{{Path: old}, {Path: there}, {Path: filepath.Join(dir, "gone.safetensors")}, {Path: "style"}}
	before := r.LoRAs[0]
	got, list, err := l.Relocate(ctx, r, map[string]string{
		old: sum(whole), there: strings.Repeat("0", 64), filepath.Join(dir, "gone.safetensors"): strings.Repeat("1", 64), "style": sum(weights)[:12],
	}, nil)
	if err != nil || len(list) != 2 || list[0] != (Moved{old, moved}) || list[1] != (Moved{"style", moved}) {
		t.Fatalf("%+v, %v", list, err)
	}
	if got.LoRAs[0].Path != moved || got.LoRAs[1].Path != there || got.LoRAs[2] != r.LoRAs[2] || got.Checkpoint != StarterCheckpoint || r.LoRAs[0] != before {
		t.Errorf("%+v", got.LoRAs)
	}
}

func TestParameterHashes(t *testing.T) {
	got := ParameterHashes("a house\nNegative prompt: x\nSteps: 20, Sampler: Euler, Model hash: 6CE0161689, Model: v1-5-pruned, VAE hash: 735e4c3a44, " +
		`VAE: vae-ft.safetensors, Lora hashes: "style: 0123456789ab, other: zz", Version: v1.9`)
	if len(got) != 3 || got["v1-5-pruned"] != "6ce0161689" || got["vae-ft"] != "735e4c3a44" || got["style"] != "0123456789ab" {
		t.Errorf("%v", got)
	}
	if got := ParameterHashes(""); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
