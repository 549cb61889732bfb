package inference

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"maquette/inference/checkpoint"
	"maquette/inference/internal/models"
)

// taesd gives the tensors of one half of an AutoencoderTiny the names that
// TAESD's own files have.
func taesd(t *testing.T, folder, half string, shift int) []models.Tensor {
	t.Helper()
	return readTensors(t, filepath.Join(folder, "vae", "diffusion_pytorch_model.safetensors"), func(name string) string {
		rest, ok := strings.CutPrefix(name, half+".layers.")
		if !ok {
			return ""
		}
		number, rest, _ := strings.Cut(rest, ".")
		return renumber(t, number, shift) + "." + rest
	})
}

// A VAE of its own file takes the place of the checkpoint's: the same weights
// under other names give the same image.
func TestExternalVAE(t *testing.T) {
	p := fixtures(t)
	req := p.request(t, p.find(t, "wide-ddim"))
	req.Steps, req.Controls = 2, nil
	e := newEngine(t, Config{})
	want, err := e.Render(context.Background(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "taesd_decoder.safetensors")
	if err := models.Write(path, taesd(t, req.Checkpoint, "decoder", 1), models.F32); err != nil {
		t.Fatal(err)
	}
	if got, err := checkpoint.Inspect(path); err != nil || got.Kind != checkpoint.KindVAE || got.Reason != "" {
		t.Errorf("the decoder is %+v, %v", got, err)
	}
	req.VAE = path
	got, err := e.Render(context.Background(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	if most, _ := difference(t, got.Images[0], want.Images[0]); most > 0 {
		t.Errorf("the decoder in TAESD's names gives another image, by %d levels", most)
	}
	if len(got.Hashes) != 2 {
		t.Errorf("hashes of %d models, want the checkpoint's and the VAE's", len(got.Hashes))
	}
	// A decoder alone leaves the encoding to the checkpoint's VAE.
	from := p.request(t, p.find(t, "wide-img2img"))
	from.Steps, from.Controls, from.VAE = 2, nil, path
	if _, err := e.Render(context.Background(), from, nil); err != nil {
		t.Error(err)
	}
	// As the VAE of previews it draws them, beside another one that decodes.
	narrow := p.request(t, p.find(t, "narrow-plain"))
	narrow.Steps, narrow.PreviewEvery, narrow.PreviewVAE = 3, 1, path
	previews := 0
	if _, err := e.Render(context.Background(), narrow, func(p Progress) {
		if p.Preview != nil {
			previews++
		}
	}); err != nil || previews == 0 {
		t.Errorf("%d previews, %v", previews, err)
	}
}

// A VAE in LDM names is the one in the checkpoint's single file.
func TestExternalLDMVAE(t *testing.T) {
	all, err := models.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	m := all["sd1"]
	var alone []models.Tensor
	for _, t := range m.Fuse(m.Single) {
		if name, ok := strings.CutPrefix(t.Name, "first_stage_model."); ok {
			alone = append(alone, models.Tensor{Name: name, Shape: t.Shape, Values: t.Values})
		}
	}
	dir := t.TempDir()
	ldm, plain := filepath.Join(dir, "ldm.safetensors"), filepath.Join(dir, "plain.safetensors")
	if err := models.Write(ldm, alone, models.F32); err != nil {
		t.Fatal(err)
	}
	if err := models.Write(plain, m.Components["vae"].Tensors(), models.F32); err != nil {
		t.Fatal(err)
	}
	a, err := checkpoint.OpenVAE(ldm, "sd1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := checkpoint.OpenVAE(plain, "sd1")
	if err != nil {
		t.Fatal(err)
	}
	if string(a.Config) != string(b.Config) || !a.HasEncoder() || len(a.Names()) != len(m.Components["vae"].Params) {
		t.Errorf("LDM names give %s, diffusers names %s", a.Config, b.Config)
	}
	for _, p := range m.Components["vae"].Params {
		if _, _, ok := a.Lookup(p.Name); !ok {
			t.Errorf("%s is missing", p.Name)
		}
	}
	xl, err := checkpoint.OpenVAE(ldm, "sdxl")
	if err != nil || !strings.Contains(string(xl.Config), "0.13025") {
		t.Errorf("beside a checkpoint of XL it has the config %s, %v", xl.Config, err)
	}
}

// readTensors reads a file of half-precision weights; rename gives each tensor
// its new name, or "" to leave it out.
func readTensors(t *testing.T, path string, rename func(string) string) []models.Tensor {
	t.Helper()
	f, err := checkpoint.OpenSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []models.Tensor
	for _, info := range f.Tensors {
		name := rename(info.Name)
		if name == "" {
			continue
		}
		if info.DType != "F16" {
			t.Fatalf("%s is %s", info.Name, info.DType)
		}
		values := make([]float32, info.Bytes/2)
		for i := range values {
			values[i] = models.Decode(uint32(binary.LittleEndian.Uint16(data[info.Offset+int64(2*i):])), models.F16)
		}
		list = append(list, models.Tensor{Name: name, Shape: info.Shape, Values: values})
	}
	return list
}

func renumber(t *testing.T, number string, shift int) string {
	t.Helper()
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(n + shift)
}
