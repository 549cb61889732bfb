package inference

import (
	"encoding/json"
	"fmt"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/prompt"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// networks are the loaded models of a render.
type networks struct {
	text, text2 *runtime.Session // nil where the prompts are known; text2 is Stable Diffusion XL's
	unet        *runtime.Session
	decoder     *runtime.Session // nil until decode, see loadDecoder
	encoder     *runtime.Session // nil unless the render starts from an image
	preview     *runtime.Session // a small decoder, or nil
	controls    []controlNet
	noise       sampler.Config
	// scale turns the latents of the decoder's VAE into the UNet's, encodeScale
	// those of the encoder's and previewScale those of the preview's.
	scale, encodeScale, previewScale float32
	// decodeTile, encodeTile and previewTile are the sides in latents of the
	// tiles in which the same VAEs work; 0 is all at once.
	decodeTile, encodeTile, previewTile int
	// pads are what fills up the prompts of the text encoders, by their order.
	pads [2]int64
	// widths are those of the text encoders' values of a token.
	widths map[lora.Part]int
	// embeddings are the textual inversions that fit the text encoders.
	embeddings []*inversion
	// strengths are those of the LoRAs that change a network.
	strengths map[lora.Part]strengths
	// channels is the number that the UNet reads: 4, or 9 for inpainting.
	channels int
	xl       bool
	// decoding is what the decoder is loaded from, textKey what the encoded prompts
	// are known by.
	decoding part
	textKey  string
	// width is the number of channels of the UNet's first level.
	width int
}

// controlNet is a loaded ControlNet.
type controlNet struct {
	hint *runtime.Session
	// net is nil where the UNet's graph holds the ControlNet, at place slot.
	net       *runtime.Session
	slot      int
	residuals int // with the middle one
}

// part is one network that a render needs.
type part struct {
	kind      string // with the component and the variant, decides the graph
	component *checkpoint.Component
	build     func(arch.Size) (*graph.Model, error)
	session   **runtime.Session
	tile      *int // where the network may work in tiles: their side, see vaeTile
	// variant says what else the graph depends on; extra is the number of weights
	// that it has beside the component's.
	variant string
	extra   int64
	// merged is the UNet with the ControlNets inside, where a provider runs that, or
	// nil. spare says that the network is inside of it.
	merged *merged
	spare  bool
	// late says that the network is loaded when it is needed.
	late bool
}

// components are those whose weights the network reads.
func (p part) components() []*checkpoint.Component {
	list := []*checkpoint.Component{p.component}
	if p.merged != nil {
		list = append(list, p.merged.components...)
	}
	return list
}

// bytes is the size of the network's weights in their files.
func (p part) bytes() (n int64) {
	for _, c := range p.components() {
		n += c.Bytes()
	}
	return n
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
func (n *networks) parts(m *checkpoint.Model, req Request, changes map[lora.Part]*change) ([]part, error) {
	unet, err := arch.NewUNet(m.UNet)
	if err != nil {
		return nil, err
	}
	in, out := unet.LatentChannels(), unet.OutChannels()
	if in != 4 && in != inpaintChannels || out != 4 {
		return nil, &checkpoint.UnsupportedError{Path: m.Dir, Reason: fmt.Sprintf(
			"its UNet takes %d and gives %d latent channels; Maquette runs models that take 4, or 9 for inpainting, and give 4", in, out)}
	}
	n.channels, n.xl = in, unet.Pooled() > 0
	list, err := n.textParts(m, unet, req, changes)
	if err != nil {
		return nil, err
	}
	inside := &merged{}
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
		n.controls[i].residuals = net.Residuals() + 1
		inside.add(net, component)
		list = append(list, part{kind: "hint", component: component, build: net.HintGraph, session: &n.controls[i].hint},
			part{kind: "control", component: component, build: net.Graph, session: &n.controls[i].net})
	}
	kind := "unet"
	if req.sharing() {
		sharing := req.Share.sharing()
		kind, unet = fmt.Sprintf("unet of views up to %d tokens", sharing.MaxTokens), unet.Shared(sharing)
	}
	list = append(list, n.patched(lora.UNet, changes, part{kind: kind, component: m.UNet, session: &n.unet, merged: inside}, func(p graph.Patch, s arch.Size) (*graph.Model, error) {
		return unet.Patched(p).Graph(s, true)
	}))
	inside.build = n.patched(lora.UNet, changes, part{}, func(p graph.Patch, s arch.Size) (*graph.Model, error) {
		return unet.Patched(p).ControlledGraph(s, inside.nets)
	}).build
	vaes, err := n.vaeParts(m, req)
	return append(list, vaes...), err
}

// textParts lists the text encoders.
func (n *networks) textParts(m *checkpoint.Model, unet *arch.UNet, req Request, changes map[lora.Part]*change) ([]part, error) {
	type encoder struct {
		kind      string
		name      lora.Part
		component *checkpoint.Component
		to        **runtime.Session
	}
	encoders := []encoder{{"text", lora.TextEncoder, m.TextEncoder, &n.text}}
	if m.TextEncoder2 != nil {
		encoders = append(encoders, encoder{"text 2", lora.TextEncoder2, m.TextEncoder2, &n.text2})
	}
	var list []part
	width, pooled := 0, 0
	n.widths = map[lora.Part]int{}
	for _, e := range encoders {
		text, err := arch.NewTextEncoder(e.component)
		if err != nil {
			return nil, err
		}
		if text.Tokens() != prompt.Length || text.Vocabulary() != prompt.VocabSize {
			return nil, &checkpoint.UnsupportedError{Path: e.component.Dir, Reason: fmt.Sprintf(
				"this text encoder reads %d tokens of a vocabulary of %d; Stable Diffusion reads %d of %d",
				text.Tokens(), text.Vocabulary(), prompt.Length, prompt.VocabSize)}
		}
		width, pooled, n.widths[e.name] = width+text.Width(), text.Pooled(), text.Width()
		want := textOutput(m.Family, n.xl, req.ClipSkip)
		if want.Skip >= text.Layers() {
			return nil, &RequestError{"ClipSkip", fmt.Sprintf("%d leaves nothing of the %d layers of the text encoder of %s", req.ClipSkip, text.Layers(), m.Dir)}
		}
		list = append(list, n.patched(e.name, changes, part{kind: e.kind, component: e.component, session: e.to, variant: fmt.Sprintf("skip %d", want.Skip)},
			func(p graph.Patch, _ arch.Size) (*graph.Model, error) { return text.Patched(p).Graph(0, want) }))
	}
	if width != unet.Context() || pooled != unet.Pooled() {
		return nil, &checkpoint.UnsupportedError{Path: m.Dir, Reason: fmt.Sprintf(
			"its text encoders give %d values for a token and %d for a prompt, its UNet reads %d and %d; the parts belong to different models",
			width, pooled, unet.Context(), unet.Pooled())}
	}
	var err error
	n.embeddings, err = openEmbeddings(req.Embeddings, n.widths)
	return list, err
}

// vaeParts lists the decoder, the encoder where an image is to be encoded, and
// the decoder of previews where there is a small one.
func (n *networks) vaeParts(m *checkpoint.Model, req Request) ([]part, error) {
	own, err := newVAE(m.VAE)
	if err != nil {
		return nil, err
	}
	component, vae := m.VAE, own
	if req.VAE != "" {
		if component, err = checkpoint.OpenVAE(req.VAE, m.Family); err != nil {
			return nil, err
		}
		if vae, err = newVAE(component); err != nil {
			return nil, err
		}
	}
	n.scale = vae.ScalingFactor()
	list := []part{{kind: "decoder", component: component, build: vae.Decoder, session: &n.decoder, tile: &n.decodeTile, late: true}}
	if component.Class == checkpoint.ClassTinyVAE {
		n.previewScale = n.scale // quick enough for previews
		list = append(list, part{kind: "decoder", component: component, build: vae.Decoder, session: &n.preview, tile: &n.previewTile})
	} else if req.PreviewVAE != "" && req.PreviewEvery > 0 {
		small, err := checkpoint.OpenVAE(req.PreviewVAE, m.Family)
		if err != nil {
			return nil, err
		}
		preview, err := newVAE(small)
		if err != nil {
			return nil, err
		}
		n.previewScale = preview.ScalingFactor()
		list = append(list, part{kind: "decoder", component: small, build: preview.Decoder, session: &n.preview, tile: &n.previewTile})
	}
	if len(req.inits()) > 0 || n.channels == inpaintChannels {
		// TAESD may come as a decoder alone; the checkpoint's own VAE encodes then.
		if !component.HasEncoder() {
			component, vae = m.VAE, own
		}
		n.encodeScale = vae.ScalingFactor()
		list = append(list, part{kind: "encoder", component: component, build: vae.Encoder, session: &n.encoder, tile: &n.encodeTile})
	}
	return list, nil
}

// newVAE reads a VAE's config and checks that its latents are Stable Diffusion's.
func newVAE(c *checkpoint.Component) (arch.VAE, error) {
	vae, err := arch.NewVAE(c)
	if err != nil {
		return nil, err
	}
	if !within(vae.ScalingFactor(), 1e-6, 1e6) || vae.LatentChannels() != 4 || vae.Scale() != sideStep {
		return nil, &checkpoint.UnsupportedError{Path: c.Dir, Reason: fmt.Sprintf(
			"this VAE has %d latent channels, shrinks images by %d and scales by %v; Stable Diffusion's have 4 channels and shrink by %d",
			vae.LatentChannels(), vae.Scale(), vae.ScalingFactor(), sideStep)}
	}
	return vae, nil
}

// key names a loaded network: its graph, its files as they are now, its size
// and the providers that it was tried on.
func (r *run) key(p part, size arch.Size) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d×%d %v %s %s\n%s\n", p.kind, size.Width, size.Height, r.usable(p), r.numbersKey(p), p.component.Config, p.variant)
	state, err := componentState(p.component)
	b.WriteString(state)
	return b.String(), err
}

// usable are the providers to try for a network.
func (r *run) usable(p part) []string {
	if strings.HasPrefix(p.kind, "text") {
		// The text encoder runs once a render, in less time than its weights take
		// to reach a GPU: it stays on the CPU.
		return nil
	}
	return r.providers()
}

// providers are those that are wanted and don't fail, beside the CPU.
func (r *run) providers() []string {
	var list []string
	for _, name := range r.e.cfg.Providers {
		if _, failed := r.e.failed[name]; !failed && !r.avoid[name] && name != runtime.CPU {
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
