package inference

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"
	"time"

	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// decode turns latents [n,4,h,w] into the images of these numbers, one by one,
// and hands each over.
func (r *run) decode(ctx context.Context, latents []float32, images []int) error {
	r.meter.enter(StageDecode)
	if err := r.freeControls(images); err != nil {
		return err
	}
	if err := r.loadDecoder(ctx); err != nil {
		return err
	}
	each := len(latents) / len(images)
	for i, number := range images {
		if r.res.Images[number] != nil {
			continue
		}
		began := time.Now()
		img, err := r.decodeOne(ctx, r.net.decoder, r.net.scale, r.net.decodeTile, latents[i*each:(i+1)*each])
		if err != nil {
			return err
		}
		img = r.finished.onto(img)
		r.res.Images[number] = img
		delete(r.latents, number)
		r.meter.finishedDecode(number, time.Since(began), img)
	}
	return nil
}

// decodeOne runs a VAE's decoder on the latents [4,h,w] of one image, in tiles
// of a side in latents or all at once for 0.
func (r *run) decodeOne(ctx context.Context, decoder *runtime.Session, scale float32, tile int, latents []float32) (*image.RGBA, error) {
	scaled := make([]float32, len(latents))
	for i, v := range latents {
		scaled[i] = v / scale
	}
	tiles := newTiling(r.w, r.h, tile, sideStep)
	data, err := tiles.run(func(x, y int) ([]float32, error) {
		in, err := runtime.NewFloat32([]int64{1, 4, int64(tiles.th), int64(tiles.tw)}, tiles.cut(scaled, x, y, 1))
		if err != nil {
			return nil, err
		}
		defer in.Close()
		out, err := r.e.exec(ctx, decoder, map[string]*runtime.Tensor{"latents": in})
		if err != nil {
			return nil, err
		}
		defer runtime.CloseAll(out)
		return slices.Clone(out["image"].Float32()), nil
	})
	if err != nil {
		return nil, err
	}
	img, err := fromPlanes(data, r.req.Width, r.req.Height)
	if errors.Is(err, errNotFinite) {
		return nil, &NotFiniteError{r.req.Checkpoint, "VAE", -1}
	}
	return img, err
}

// encodeInit runs the VAE's encoder on an image that img2img starts from.
// Where the image is transparent, it is white like paper.
func (r *run) encodeInit(ctx context.Context, img image.Image) (*initLatents, error) {
	return r.encodePixels(ctx, planes(img, color.White, -1, 1))
}

// encodePixels runs the VAE's encoder on three planes of the render's size.
func (r *run) encodePixels(ctx context.Context, pixels []float32) (*initLatents, error) {
	tiles := newTiling(r.w, r.h, r.net.encodeTile, 1)
	both, err := tiles.run(func(x, y int) ([]float32, error) {
		in, err := runtime.NewFloat32([]int64{1, 3, int64(tiles.th) * sideStep, int64(tiles.tw) * sideStep}, tiles.cut(pixels, x, y, sideStep))
		if err != nil {
			return nil, err
		}
		defer in.Close()
		out, err := r.e.exec(ctx, r.net.encoder, map[string]*runtime.Tensor{"image": in})
		if err != nil {
			return nil, err
		}
		defer runtime.CloseAll(out)
		return append(r.scaled(out["mean"]), r.scaled(out["std"])...), nil
	})
	if err != nil {
		return nil, err
	}
	n := 4 * r.w * r.h
	if len(both) != n && len(both) != 2*n {
		return nil, fmt.Errorf("the VAE of %s gave %d values for %d latents", r.req.Checkpoint, len(both), n)
	}
	l := &initLatents{mean: both[:n]}
	if len(both) > n {
		l.deviation = both[n:]
	}
	if broken(l.mean) || broken(l.deviation) {
		return nil, &NotFiniteError{r.req.Checkpoint, "VAE encoder", -1}
	}
	return l, nil
}

// scaled copies the VAE's latents at the UNet's scale; nil stays nil.
func (r *run) scaled(t *runtime.Tensor) []float32 {
	if t == nil {
		return nil
	}
	out := make([]float32, len(t.Float32()))
	for i, v := range t.Float32() {
		out[i] = v * r.net.encodeScale
	}
	return out
}

// previewShare is the part of the time that previews may take.
const previewShare = 0.1

// previewer draws the image taking shape: with the VAE itself where it is a
// small one, else with a linear approximation.
type previewer struct {
	r       *run
	latents []float32 // denoised, [4,h,w]
	drawn   time.Time
	cost    time.Duration
}

// due says whether a preview is to be drawn after step i of steps: as often as
// the request asks for, but no more often than their share of the time allows,
// and not after the last step, whose image follows at once.
func (p *previewer) due(i, steps int) bool {
	every := p.r.req.PreviewEvery
	if every <= 0 || (i+1)%every != 0 || i == steps-1 {
		return false
	}
	return p.drawn.IsZero() || time.Since(p.drawn) >= time.Duration(float64(p.cost)/previewShare)
}

// denoised keeps the image that the first of the batch is heading for.
func (p *previewer) denoised(s sampler.Sampler, x, output []float32, i int) {
	if p.latents == nil {
		p.latents = make([]float32, len(x))
	}
	s.Denoised(p.latents, x, output, i)
}

func (p *previewer) draw(ctx context.Context) (*image.RGBA, error) {
	began := time.Now()
	defer func() { p.drawn, p.cost = time.Now(), time.Since(began) }()
	if p.r.net.preview == nil {
		factors, bias := latentRGB()
		if p.r.net.xl {
			factors, bias = latentRGBXL()
		}
		img := linearPreview(p.latents, factors, bias, p.r.w, p.r.h, image.Pt(p.r.req.Width, p.r.req.Height))
		return p.r.shown.onto(img), nil
	}
	img, err := p.r.decodeOne(ctx, p.r.net.preview, p.r.net.previewScale, p.r.net.previewTile, p.latents)
	if err != nil {
		return nil, err
	}
	return p.r.shown.onto(img), nil
}
