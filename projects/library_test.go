package projects

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maquette/assets"
	"maquette/control"
)

// files of a folder, by slash separated name.
type files map[string]string

func (f files) write(t testing.TB, dir string) string {
	t.Helper()
	for name, content := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (f files) archive(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range sortedKeys(f) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// weights is a safetensors file with one number in it.
func weights() string {
	header := `{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + "\x00\x00\x80\x3f"
}

const (
	tinySizes = `"block_out_channels":[32,64],"cross_attention_dim":32`
	bigSizes  = `"block_out_channels":[320,640,1280,1280],"cross_attention_dim":768`
)

// checkpointFiles is a checkpoint as far as the library looks at it.
func checkpointFiles(sizes string) files {
	return files{
		"model_index.json":                         `{"_class_name":"StableDiffusionPipeline"}`,
		"scheduler/scheduler_config.json":          `{}`,
		"text_encoder/config.json":                 `{"architectures":["CLIPTextModel"]}`,
		"text_encoder/model.safetensors":           weights(),
		"unet/config.json":                         `{"_class_name":"UNet2DConditionModel",` + sizes + `}`,
		"unet/diffusion_pytorch_model.safetensors": weights(),
		"vae/config.json":                          `{"_class_name":"AutoencoderTiny"}`,
		"vae/diffusion_pytorch_model.safetensors":  weights(),
	}
}

func controlNetFiles(sizes string) files {
	return files{
		"config.json":                         `{"_class_name":"ControlNetModel",` + sizes + `}`,
		"diffusion_pytorch_model.safetensors": weights(),
	}
}

func newLibrary(t testing.TB, folders ...string) *Library {
	t.Helper()
	isolate(t)
	l, err := NewLibrary(folders, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLibraryFindsControlNetsThatFit(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	checkpointFiles(bigSizes).write(t, filepath.Join(dir, "dream"))
	for _, name := range []string{"control_v11p_sd15_canny", "control_v11p_sd15s2_lineart_anime", "control_v11p_sd15_lineart", "control_v11f1p_sd15_depth",
		"control_v11p_sd15_mlsd", "control_v11p_sd15_normalbae", "control-hed", "control_v11f1e_sd15_tile", "textile"} {
		controlNetFiles(bigSizes).write(t, filepath.Join(dir, "nets", name))
	}
	controlNetFiles(tinySizes).write(t, filepath.Join(dir, "nets", "tiny-scribble"))
	controlNetFiles(bigSizes).write(t, filepath.Join(dir, "nets", "sd-scribble", "controlnet"))
	l := newLibrary(t, dir, filepath.Join(dir, "missing"))
	base := filepath.Join(dir, "dream")
	for kind, want := range map[control.Kind]string{
		control.Canny: "control_v11p_sd15_canny", control.Lineart: "control_v11p_sd15_lineart", control.Depth: "control_v11f1p_sd15_depth",
		control.Straight: "control_v11p_sd15_mlsd", control.Normal: "control_v11p_sd15_normalbae", control.SoftEdge: "control-hed",
		control.Tile: "control_v11f1e_sd15_tile", control.Scribble: "sd-scribble/controlnet",
	} {
		r := Recipe{Checkpoint: base, Controls: []RecipeControl{{Kind: kind}}}
		files, err := l.Resolve(ctx, r)
		path, nets := files.Checkpoint, files.ControlNets
		if err != nil || path != base || nets[0] != filepath.Join(dir, "nets", filepath.FromSlash(want)) {
			t.Errorf("%s: %s, %v, %v", kind, path, nets, err)
		}
	}
	if list, err := l.ControlNets(ctx, base, control.Lineart); err != nil || len(list) != 2 {
		t.Errorf("lineart: %v, %v", list, err)
	}
	if list, err := l.ControlNets(ctx, base, ""); err != nil || len(list) != 10 {
		t.Errorf("any kind: %d, %v", len(list), err)
	}
	// One that the recipe names is taken as it is; one that is gone is an error.
	own := filepath.Join(dir, "nets", "textile")
	r := Recipe{Checkpoint: base, Controls: []RecipeControl{{Kind: control.Canny, ControlNet: own}}}
	if files, err := l.Resolve(ctx, r); err != nil || files.ControlNets[0] != own {
		t.Errorf("%v, %v", files, err)
	}
	r.Controls[0].ControlNet += "-gone"
	if _, err := l.Resolve(ctx, r); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ControlNet that is gone: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "nets", "control_v11p_sd15_canny")); err != nil {
		t.Fatal(err)
	}
	l.Refresh()
	_, err := l.Resolve(ctx, Recipe{Checkpoint: base, Controls: []RecipeControl{{Kind: control.Canny}}})
	if !errors.Is(err, ErrNoFit) || !strings.Contains(err.Error(), "put one into "+dir) || !strings.Contains(err.Error(), "control_v11p_sd15_canny") {
		t.Errorf("none left: %v", err)
	}
	for _, path := range []string{filepath.Join(dir, "gone"), own, filepath.Join(dir, "nets")} {
		if _, err := l.Resolve(ctx, Recipe{Checkpoint: path}); err == nil {
			t.Errorf("%s passed as a checkpoint", path)
		}
	}
}

func TestStarterHasItsControlNets(t *testing.T) {
	ctx := context.Background()
	l := newLibrary(t)
	list, err := l.Checkpoints(ctx)
	if err != nil || len(list) != 1 || list[0].Path != StarterCheckpoint || list[0].Reason != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	dir, err := l.Starter(ctx)
	if err != nil || !strings.HasPrefix(dir, os.Getenv("MAQUETTE_CACHE")) {
		t.Fatalf("%s, %v", dir, err)
	}
	for kind, want := range map[control.Kind]string{
		control.Canny: "controlnet-lines", control.Lineart: "controlnet-lines", control.Scribble: "controlnet-lines",
		control.Straight: "controlnet-lines", control.SoftEdge: "controlnet-lines", control.Depth: "controlnet-depth",
	} {
		r := DefaultRecipe()
		r.Controls = []RecipeControl{{Kind: kind, Weight: 1, End: 1}}
		files, err := l.Resolve(ctx, r)
		path, nets := files.Checkpoint, files.ControlNets
		if err != nil || path != dir || len(nets) != 1 || nets[0] != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v, %v", kind, path, nets, err)
		}
	}
	for _, kind := range []control.Kind{control.Normal, control.Tile} {
		_, err := l.Resolve(ctx, Recipe{Checkpoint: StarterCheckpoint, Controls: []RecipeControl{{Kind: kind}}})
		if !errors.Is(err, ErrNoFit) || !strings.Contains(err.Error(), "lineart") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// unpack makes a library whose starter is archive.
func withStarter(t testing.TB, archive []byte) *Library {
	l := newLibrary(t)
	l.archive = func() ([]byte, string) { return archive, hexHash(archive) }
	return l
}

func TestStarterIsUnpackedOnce(t *testing.T) {
	ctx := context.Background()
	f := checkpointFiles(tinySizes)
	l := withStarter(t, f.archive(t))
	var wg sync.WaitGroup
	dirs := make([]string, 8)
	for i := range dirs {
		other := &Library{log: l.log, archive: l.archive} // as another process would
		wg.Go(func() {
			dir, err := other.Starter(ctx)
			if err != nil {
				t.Error(err)
			}
			dirs[i] = dir
		})
	}
	wg.Wait()
	for _, d := range dirs {
		if d != dirs[0] {
			t.Fatalf("%v", dirs)
		}
	}
	noLeftovers(t, os.Getenv("MAQUETTE_CACHE"))
	mark := filepath.Join(dirs[0], "unet", "config.json")
	before, err := os.Stat(mark)
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := (&Library{log: l.log, archive: l.archive}).Starter(ctx); err != nil || dir != dirs[0] {
		t.Fatal(dir, err)
	}
	if after, err := os.Stat(mark); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("it was unpacked again")
	}
	// What is missing or cut off is put right.
	for name, spoil := range map[string]func() error{
		"deleted": func() error { return os.Remove(mark) },
		"cut":     func() error { return os.Truncate(mark, 3) },
		"emptied": func() error { return os.RemoveAll(dirs[0]) },
		"link": func() error {
			return errors.Join(os.Remove(mark), os.Symlink("/dev/null", mark))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Library{log: l.log, archive: l.archive}).Starter(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if data, err := os.ReadFile(mark); err != nil || string(data) != f["unet/config.json"] {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

func TestStarterInAFolderOfTheArchive(t *testing.T) {
	f := files{}
	for name, content := range checkpointFiles(tinySizes) {
		f["./starter/"+name] = content
	}
	l := withStarter(t, f.archive(t))
	if dir, err := l.Starter(context.Background()); err != nil || filepath.Base(dir) != "starter" {
		t.Fatalf("%s, %v", dir, err)
	}
}

func TestHostileArchives(t *testing.T) {
	link := func(h tar.Header) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		if err := errors.Join(w.WriteHeader(&h), w.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := checkpointFiles(tinySizes).archive(t)
	for name, archive := range map[string][]byte{
		"../":       files{"../evil": "x"}.archive(t),
		"absolute":  files{"/tmp/evil": "x"}.archive(t),
		"inner ..":  files{"unet/../../evil": "x"}.archive(t),
		"symlink":   link(tar.Header{Name: "unet", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		"hard link": link(tar.Header{Name: "passwd", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}),
		"device":    link(tar.Header{Name: "null", Typeflag: tar.TypeChar}),
		"cut":       good[:len(good)/2],
		"no gzip":   []byte("hello"),
		"no model":  files{"readme.txt": "x"}.archive(t),
		"too many":  link(tar.Header{Name: "big", Typeflag: tar.TypeReg, Size: 0}),
	} {
		if name == "too many" {
			many := files{}
			for i := range maxStarterFiles + 1 {
				many[fmt.Sprint(i)] = ""
			}
			archive = many.archive(t)
		}
		t.Run(name, func(t *testing.T) {
			l := withStarter(t, archive)
			if dir, err := l.Starter(context.Background()); err == nil {
				t.Fatalf("unpacked to %s", dir)
			}
			cache := os.Getenv("MAQUETTE_CACHE")
			for _, evil := range []string{filepath.Join(cache, "evil"), filepath.Join(cache, "starter", "evil"), "/tmp/evil"} {
				if _, err := os.Lstat(evil); err == nil {
					t.Errorf("%s was written", evil)
				}
			}
			noLeftovers(t, cache)
		})
	}
}

func TestWrongHashIsRefused(t *testing.T) {
	l := newLibrary(t)
	archive := checkpointFiles(tinySizes).archive(t)
	for _, hash := range []string{hexHash([]byte("other")), "", "../../evil", strings.Repeat("0", 63)} {
		l.archive = func() ([]byte, string) { return archive, hash }
		if dir, err := l.Starter(context.Background()); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %s, %v", hash, dir, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.archive = func() ([]byte, string) { return archive, hexHash(archive) }
	if _, err := l.Starter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	noLeftovers(t, os.Getenv("MAQUETTE_CACHE"))
}

func TestEmbeddedStarterIsWhole(t *testing.T) {
	archive, want := assets.Starter()
	if got := hexHash(archive); got != want {
		t.Fatalf("assets/starter: the archive has SHA-256 %s, starter.sha256 says %s", got, want)
	}
	l := newLibrary(t)
	start := time.Now()
	if _, err := l.Starter(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Logf("unpacked %d MB in %v", len(archive)>>20, time.Since(start))
}
