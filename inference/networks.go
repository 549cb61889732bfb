package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// networks are the loaded models of a render.
type networks struct {
	text, unet, decoder *runtime.Session
	encoder             *runtime.Session // nil unless the render starts from an image
	controls            []controlNet
	noise               sampler.Config
	// scale turns the VAE's latents into the UNet's.
	scale float32
	// tiny says that the VAE is an AutoencoderTiny, quick enough for previews.
	tiny bool
	// width is the number of channels of the UNet's first level.
	width int
}

// controlNet is a loaded ControlNet.
type controlNet struct{ hint, net *runtime.Session }

// part is one network that a render needs.
type part struct {
	kind      string // with the component, decides the graph
	component *checkpoint.Component
	build     func(arch.Size) (*graph.Model, error)
	session   **runtime.Session
}

// load reads the models' configs and headers, builds the graphs of the networks
// that aren't loaded yet, and loads them.
func (r *run) load(ctx context.Context) (*networks, error) {
	m, err := checkpoint.OpenFolder(r.req.Checkpoint)
	if err != nil {
		return nil, err
	}
	n := &networks{tiny: m.VAE.Class == checkpoint.ClassTinyVAE, controls: make([]controlNet, len(r.req.Controls))}
	if n.noise, err = sampler.ParseConfig(m.Scheduler); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Dir, err)
	}
	if err := n.readWidth(m); err != nil {
		return nil, err
	}
	parts, err := n.parts(m, r.req)
	if err != nil {
		return nil, err
	}
	size := arch.Size{Height: r.h, Width: r.w}
	keys := make([]string, len(parts))
	warm := true
	for i, p := range parts {
		if keys[i], err = r.key(p, size); err != nil {
			return nil, err
		}
		warm = warm && r.e.cache.has(keys[i])
	}
	r.meter = newMeter(r.report, r.req.Steps-r.startStep(), r.req.Count, warm)
	r.meter.enter(StageLoad)
	r.tellPassedOver()
	for i, p := range parts {
		s, err := r.e.cache.get(ctx, keys[i], memoryOf(p.component), func() (*runtime.Session, error) {
			return r.session(ctx, p, size)
		})
		if err != nil {
			return nil, err
		}
		*p.session = s
		if !warm {
			r.meter.done += loadUnits / float64(len(parts))
			r.meter.send(Progress{})
		}
	}
	return n, nil
}

// readWidth reads the width of the UNet's first level, which memory grows with.
func (n *networks) readWidth(m *checkpoint.Model) error {
	unet := struct {
		Channels []int `json:"block_out_channels"`
	}{Channels: []int{320}}
	if err := json.Unmarshal(m.UNet.Config, &unet); err != nil {
		return fmt.Errorf("%s/config.json: %w", m.UNet.Dir, err)
	}
	if len(unet.Channels) > 0 {
		n.width = unet.Channels[0]
	}
	return nil
}

// parts lists the networks of a render in the order in which they are loaded.
func (n *networks) parts(m *checkpoint.Model, req Request) ([]part, error) {
	text, err := arch.NewTextEncoder(m.TextEncoder)
	if err != nil {
		return nil, err
	}
	unet, err := arch.NewUNet(m.UNet)
	if err != nil {
		return nil, err
	}
	vae, err := arch.NewVAE(m.VAE)
	if err != nil {
		return nil, err
	}
	if in, out := unet.LatentChannels(), unet.OutChannels(); in != 4 || out != 4 {
		return nil, &checkpoint.UnsupportedError{Path: m.Dir, Reason: fmt.Sprintf(
			"its UNet takes %d and gives %d latent channels; Maquette runs models with 4 and 4, so no inpainting models", in, out)}
	}
	n.scale = vae.ScalingFactor()
	if !within(n.scale, 1e-6, 1e6) || vae.LatentChannels() != 4 || vae.Scale() != sideStep {
		return nil, &checkpoint.UnsupportedError{Path: m.VAE.Dir, Reason: fmt.Sprintf(
			"this VAE has %d latent channels, shrinks images by %d and scales by %v; Stable Diffusion 1 has 4 channels and shrinks by %d",
			vae.LatentChannels(), vae.Scale(), n.scale, sideStep)}
	}
	if text.Tokens() != prompt.Length || text.Vocabulary() != prompt.VocabSize {
		return nil, &checkpoint.UnsupportedError{Path: m.TextEncoder.Dir, Reason: fmt.Sprintf(
			"this text encoder reads %d tokens of a vocabulary of %d; Stable Diffusion 1 reads %d of %d",
			text.Tokens(), text.Vocabulary(), prompt.Length, prompt.VocabSize)}
	}
	if text.Width() != unet.Context() {
		return nil, &checkpoint.UnsupportedError{Path: m.Dir, Reason: fmt.Sprintf(
			"its text encoder gives %d values for a token and its UNet reads %d; the parts belong to different models", text.Width(), unet.Context())}
	}
	list := []part{{"text", m.TextEncoder, func(arch.Size) (*graph.Model, error) { return text.Graph(0) }, &n.text}}
	for i, c := range req.Controls {
		component, err := checkpoint.OpenControlNet(c.ControlNet)
		if err != nil {
			return nil, err
		}
		net, err := arch.NewControlNet(component)
		if err != nil {
			return nil, err
		}
		if !net.Fits(unet) {
			return nil, &checkpoint.UnsupportedError{Path: c.ControlNet, Reason: "this ControlNet was made for another kind of model than " + m.Dir +
				"; choose one that fits the checkpoint"}
		}
		if net.HintScale() != sideStep {
			return nil, &checkpoint.UnsupportedError{Path: c.ControlNet, Reason: fmt.Sprintf(
				"it reads control images at %d times the latents' size; Maquette runs %d", net.HintScale(), sideStep)}
		}
		list = append(list, part{"hint", component, net.HintGraph, &n.controls[i].hint}, part{"control", component, net.Graph, &n.controls[i].net})
	}
	list = append(list, part{"unet", m.UNet, func(s arch.Size) (*graph.Model, error) { return unet.Graph(s, true) }, &n.unet},
		part{"decoder", m.VAE, vae.Decoder, &n.decoder})
	if req.Init != nil {
		list = append(list, part{"encoder", m.VAE, vae.Encoder, &n.encoder})
	}
	return list, nil
}

// key names a loaded network: its graph, its files as they are now, its size
// and the providers that it was tried on.
func (r *run) key(p part, size arch.Size) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d×%d %v %s\n", p.kind, size.Width, size.Height, r.usable(p), p.component.Config)
	for _, f := range p.component.Files {
		state, err := fileState(f.Path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Path, err)
		}
		b.WriteString(state)
	}
	return b.String(), nil
}

// session builds a network's graph and loads it on the first provider that takes it.
func (r *run) session(ctx context.Context, p part, size arch.Size) (*runtime.Session, error) {
	m, err := p.build(size)
	if err != nil {
		return nil, err
	}
	usable := r.usable(p)
	s, err := r.e.rt.NewSession(ctx, m, runtime.Options{Providers: usable, Threads: r.e.cfg.Threads, Note: r.note})
	if err != nil {
		return nil, err
	}
	// What was passed over once is not tried again for every network.
	for _, name := range usable {
		if name == s.Provider() {
			break
		}
		r.e.failed[name] = "it can't run the " + m.Name
	}
	return s, nil
}

// usable are the providers to try for a network.
func (r *run) usable(p part) []string {
	if p.kind == "text" {
		// The text encoder runs once a render, in less time than its weights take
		// to reach a GPU: it stays on the CPU.
		return nil
	}
	var list []string
	for _, name := range r.e.cfg.Providers {
		if _, failed := r.e.failed[name]; !failed && !r.avoid[name] {
			list = append(list, name)
		}
	}
	return list
}

// tellPassedOver repeats in each render which of the wanted providers don't work.
func (r *run) tellPassedOver() {
	for _, name := range r.e.cfg.Providers {
		if reason, failed := r.e.failed[name]; failed {
			r.note(fmt.Sprintf("%s is not used on this machine: %s", name, reason))
		}
	}
}
