package inference

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/lora"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// model is the UNet with its ControlNets and guidance, as a batch of n images sees it.
type model struct {
	r       *run
	j       *job
	n       int
	sample  *runtime.Tensor // [n or 2n, 4 or 9, h, w], what the UNet sees
	latents *runtime.Tensor // [n or 2n, 4, h, w], what the ControlNets see: often the same tensor
	step    *runtime.Tensor // [1]
	context *runtime.Tensor // [n or 2n, tokens, C]
	// named are inputs beside these, by name: Stable Diffusion XL's and the
	// strengths of LoRAs.
	named   map[string]*runtime.Tensor
	weights []*runtime.Tensor
	hints   []*runtime.Tensor // [1 or as many, C, h, w] of each control
	owned   []*runtime.Tensor // those of hints and inside that are the batch's own
	// inside are the inputs of ControlNets that the UNet's graph holds; nil where
	// they are sessions of their own.
	inside map[string]*runtime.Tensor
	output []float32 // [n, 4, h, w]
}

// newModel prepares the inputs of the batch of these images; extra has the
// further channels [n, 5, h, w] of a UNet for inpainting, or is nil.
func (r *run) newModel(j *job, images []int, extra []float32) (_ *model, err error) {
	n := len(images)
	m := &model{r: r, j: j, n: n, named: map[string]*runtime.Tensor{}, output: make([]float32, n*4*r.w*r.h)}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	copies := 1
	if r.guided {
		copies = 2
	}
	batch := int64(copies * n)
	if m.latents, err = runtime.NewFloat32([]int64{batch, 4, int64(r.h), int64(r.w)}, make([]float32, copies*len(m.output))); err != nil {
		return nil, err
	}
	if m.sample = m.latents; extra != nil {
		data := make([]float32, copies*(len(m.output)+len(extra)))
		for i := range copies * n {
			each := len(extra) / n
			copy(data[(i+1)*len(data)/(copies*n)-each:], extra[i%n*each:(i%n+1)*each])
		}
		if m.sample, err = runtime.NewFloat32([]int64{batch, int64(r.net.channels), int64(r.h), int64(r.w)}, data); err != nil {
			return nil, err
		}
	}
	if m.step, err = runtime.NewFloat32([]int64{1}, []float32{0}); err != nil {
		return nil, err
	}
	texts := r.texts(images)
	states := picked(j.context, r.textCount(), texts)
	if r.net.xl {
		if err := m.nameSizes(picked(j.pooled, r.textCount(), texts), batch); err != nil {
			return nil, err
		}
	}
	each := int64(len(states)) / batch
	if m.context, err = runtime.NewFloat32([]int64{batch, int64(j.tokens), each / int64(j.tokens)}, states); err != nil {
		return nil, err
	}
	if err := r.net.strengths[lora.UNet].name(m.named); err != nil {
		return nil, err
	}
	if r.req.sharing() {
		if err := m.shareViews(copies); err != nil {
			return nil, err
		}
	}
	if err := m.batchHints(images, copies); err != nil {
		return nil, err
	}
	for k, c := range r.req.Controls {
		weight, err := c.weights(r.net.controls[k].residuals, of(r.req.controlled(k), images), r.guided)
		if err != nil {
			return nil, err
		}
		m.weights = append(m.weights, weight)
	}
	return m, m.bindControls()
}

// textCount is the number of texts that are encoded.
func (r *run) textCount() int {
	if r.guided {
		return 1 + r.req.perSet()
	}
	return r.req.perSet()
}

// texts are the numbers of the encoded texts that a batch of these images reads:
// the negative prompt for each, if guided, then the prompts.
func (r *run) texts(images []int) []int {
	var list []int
	first := 0
	if r.guided {
		list, first = make([]int, len(images)), 1
	}
	for _, i := range images {
		list = append(list, first+i%r.req.perSet())
	}
	return list
}

// picked is the parts of values that have these numbers.
func picked(values []float32, parts int, numbers []int) []float32 {
	each := len(values) / parts
	var out []float32
	for _, i := range numbers {
		out = append(out, values[i*each:(i+1)*each]...)
	}
	return out
}

// batchHints finds the hints of a batch's images, and joins them where every view has its own.
func (m *model) batchHints(images []int, copies int) error {
	for _, list := range m.j.hints {
		if len(list) == 1 {
			m.hints = append(m.hints, list[0])
			continue
		}
		var values []float32
		for range copies {
			for _, hint := range of(list, images) {
				values = append(values, hint.Float32()...)
			}
		}
		shape := slices.Clone(list[0].Shape())
		shape[0] = int64(copies * len(images))
		hint, err := runtime.NewFloat32(shape, values)
		if err != nil {
			return err
		}
		m.hints, m.owned = append(m.hints, hint), append(m.owned, hint)
	}
	return nil
}

// nameSizes makes what Stable Diffusion XL reads besides: the embeddings of the
// whole prompts, and the sizes of an image that was neither scaled nor cropped.
func (m *model) nameSizes(pooled []float32, batch int64) (err error) {
	if m.named["text_embeds"], err = runtime.NewFloat32([]int64{batch, int64(len(pooled)) / batch}, pooled); err != nil {
		return err
	}
	h, w := float32(m.r.req.Height), float32(m.r.req.Width)
	sizes := slices.Repeat([]float32{h, w, 0, 0, h, w}, int(batch))
	m.named["time_ids"], err = runtime.NewFloat32([]int64{batch, 6}, sizes)
	return err
}

func (m *model) close() {
	for _, t := range slices.Concat([]*runtime.Tensor{m.sample, m.latents, m.step, m.context}, m.weights, m.owned) {
		t.Close()
	}
	runtime.CloseAll(m.named)
}

// predict is what the UNet makes of latents at step i of steps, with guidance.
// The result is valid until the next call.
func (m *model) predict(ctx context.Context, latents []float32, timestep float32, i, steps int) ([]float32, error) {
	in := m.latents.Float32()
	for at := 0; at < len(in); at += len(latents) {
		copy(in[at:], latents)
	}
	if m.sample != m.latents {
		images := int(m.sample.Shape()[0])
		each := len(in) / images
		for i := range images {
			copy(m.sample.Float32()[i*len(m.sample.Float32())/images:], in[i*each:(i+1)*each])
		}
	}
	m.step.Float32()[0] = timestep
	residuals, err := m.residuals(ctx, i, steps)
	if err != nil {
		return nil, err
	}
	defer runtime.CloseAll(residuals)
	out, err := m.r.e.exec(ctx, m.r.net.unet, m.inputs(m.r.net.unet, residuals, m.inside))
	if err != nil {
		return nil, err
	}
	defer runtime.CloseAll(out)
	all := out["out_sample"].Float32()
	if len(all) != len(in) {
		return nil, fmt.Errorf("the UNet of %s gave %d values for %d latents", m.r.req.Checkpoint, len(all), len(in))
	}
	if !m.r.guided {
		return append(m.output[:0], all...), nil
	}
	without, with := all[:len(latents)], all[len(latents):]
	for k, v := range without {
		m.output[k] = v + m.r.req.Guidance*(with[k]-v)
	}
	if phi := m.r.req.GuidanceRescale; phi > 0 {
		for at := 0; at < len(with); at += len(with) / m.n {
			end := at + len(with)/m.n
			sampler.RescaleGuidance(m.output[at:end], with[at:end], decimal(phi))
		}
	}
	return m.output, nil
}

// residuals runs the ControlNets that act in step i, each adding to what the
// one before gave; nil where none acts. Those inside of the UNet are switched.
func (m *model) residuals(ctx context.Context, i, steps int) (map[string]*runtime.Tensor, error) {
	var sum map[string]*runtime.Tensor
	for k, c := range m.r.req.Controls {
		acts := c.Weight != 0 && sampler.Keep(i, steps, decimal(c.Start), decimal(c.End))
		if m.inside != nil {
			m.inside[arch.ControlOn(m.r.net.controls[k].slot)].Bool()[0] = acts
			continue
		}
		if !acts {
			continue
		}
		net := m.r.net.controls[k].net
		next, err := m.r.e.exec(ctx, net, m.inputs(net, sum, map[string]*runtime.Tensor{"hint": m.hints[k], "weight": m.weights[k]}))
		runtime.CloseAll(sum)
		if err != nil {
			return nil, err
		}
		sum = next
	}
	return sum, nil
}

// inputs names the tensors for a UNet or ControlNet. Residuals that aren't
// there are the zero tensor.
func (m *model) inputs(s *runtime.Session, residuals, more map[string]*runtime.Tensor) map[string]*runtime.Tensor {
	in := map[string]*runtime.Tensor{}
	for _, io := range s.Inputs() {
		switch io.Name {
		case "sample":
			in[io.Name] = m.latents
			if s == m.r.net.unet {
				in[io.Name] = m.sample
			}
		case "timestep":
			in[io.Name] = m.step
		case "encoder_hidden_states":
			in[io.Name] = m.context
		default:
			if t := more[io.Name]; t != nil {
				in[io.Name] = t
			} else if t := m.named[io.Name]; t != nil {
				in[io.Name] = t
			} else if t := residuals[strings.TrimPrefix(io.Name, "prev_")]; t != nil {
				in[io.Name] = t
			} else {
				in[io.Name] = m.j.zero
			}
		}
	}
	return in
}
