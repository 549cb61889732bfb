package vision

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"

	"github.com/disintegration/imaging"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
)

// CLIP turns pictures, and texts where the model has the encoder for them, into
// embeddings whose cosine similarity says how alike they are (Radford and
// others, 2021). It is safe for concurrent use.
type CLIP struct {
	path   string
	side   int
	image  *runtime.Session
	text   *runtime.Session // nil without a text encoder
	tokens *prompt.Tokenizer
}

// FindCLIP returns the best CLIP model in the folders: one that also reads texts
// before others, then by path; "" if there is none. Only headers are read.
func FindCLIP(ctx context.Context, folders []string) (string, error) {
	files, err := checkpoint.Files(ctx, folders, ".safetensors")
	if err != nil {
		return "", err
	}
	best := ""
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		f, err := checkpoint.OpenSafetensors(path)
		if err != nil || !f.IsCLIP() {
			continue
		}
		if _, ok := f.Tensor("text_projection.weight"); ok {
			return path, nil
		}
		if best == "" {
			best = path
		}
	}
	return best, nil
}

// OpenCLIP loads a model as checkpoint.OpenCLIP finds it. The tokenizer is
// CLIP's; it may be nil, and then texts can't be read.
func OpenCLIP(ctx context.Context, r *runtime.Runtime, path string, tokens *prompt.Tokenizer, o runtime.Options) (_ *CLIP, err error) {
	seen, read, err := checkpoint.OpenCLIP(path)
	if err != nil {
		return nil, err
	}
	v, err := arch.NewVisionEncoder(seen)
	if err != nil {
		return nil, err
	}
	c := &CLIP{path: path, side: v.Side(), tokens: tokens}
	defer func() {
		if err != nil {
			_ = c.Close() // the first error is the one to report
		}
	}()
	m, err := v.Graph()
	if err != nil {
		return nil, fmt.Errorf("CLIP model %s: %w", path, err)
	}
	if c.image, err = r.NewSession(ctx, m, o); err != nil {
		return nil, err
	}
	if read == nil || tokens == nil {
		return c, nil
	}
	t, err := arch.NewTextEncoder(read)
	if err != nil {
		return nil, err
	}
	if t.Tokens() != prompt.Length || t.Vocabulary() != prompt.VocabSize {
		return c, nil // another tokenizer's
	}
	if m, err = t.Graph(1, arch.TextOutput{}); err != nil {
		return nil, fmt.Errorf("CLIP model %s: %w", path, err)
	}
	if c.text, err = r.NewSession(ctx, m, o); err != nil {
		return nil, err
	}
	return c, nil
}

// Path is the file or folder that the model was loaded from.
func (c *CLIP) Path() string { return c.path }

// ReadsText says whether Text works.
func (c *CLIP) ReadsText() bool { return c.text != nil }

// Close frees the model.
func (c *CLIP) Close() error {
	var errs []error
	for _, s := range []*runtime.Session{c.image, c.text} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Image is the embedding of a picture, which is scaled and cropped to a square
// as CLIP's own processor does it; transparent parts count as white.
func (c *CLIP) Image(ctx context.Context, m image.Image) ([]float32, error) {
	if m.Bounds().Empty() {
		return nil, errors.New("CLIP: the picture is empty")
	}
	side := int64(c.side)
	x, err := runtime.NewFloat32([]int64{1, 3, side, side}, clipPlanes(m, c.side))
	if err != nil {
		return nil, err
	}
	defer x.Close()
	return answer(ctx, c.image, "pixel_values", x, "embedding")
}

// clipPlanes scales the shorter side with a cubic filter and takes the middle.
func clipPlanes(m image.Image, side int) []float32 {
	size := m.Bounds().Size()
	w, h := side, side
	if size.X > size.Y {
		w = max(side, side*size.X/size.Y)
	} else {
		h = max(side, side*size.Y/size.X)
	}
	square := imaging.Crop(imaging.Resize(opaque(m), w, h, imaging.CatmullRom),
		image.Rect(0, 0, side, side).Add(image.Pt((w-side)/2, (h-side)/2)))
	return planes(square, [3]float32{.48145466, .4578275, .40821073}, [3]float32{.26862954, .26130258, .27577711})
}

// Text is the embedding of a prompt: its weights, LoRAs and breaks are left out,
// and what is longer than 75 tokens is cut. Errors: a model without a text encoder.
func (c *CLIP) Text(ctx context.Context, text string) ([]float32, error) {
	if c.text == nil {
		return nil, fmt.Errorf("CLIP model %s has no text encoder", c.path)
	}
	ids := c.tokens.Tokenize(plainText(text)).IDs
	x, err := runtime.NewInt64([]int64{1, prompt.Length}, ids[:])
	if err != nil {
		return nil, err
	}
	defer x.Close()
	return answer(ctx, c.text, "input_ids", x, "pooled")
}

// plainText is a prompt as a sentence.
func plainText(text string) string {
	if rest, _, err := prompt.ExtractLoRAs(text); err == nil {
		text = rest
	}
	var b strings.Builder
	for _, span := range prompt.Parse(text) {
		b.WriteString(span.Text)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// answer runs a session with one input and copies one of its outputs.
func answer(ctx context.Context, s *runtime.Session, in string, x *runtime.Tensor, out string) ([]float32, error) {
	y, err := s.Run(ctx, map[string]*runtime.Tensor{in: x})
	if err != nil {
		return nil, err
	}
	defer runtime.CloseAll(y)
	return append([]float32(nil), y[out].Float32()...), nil
}
