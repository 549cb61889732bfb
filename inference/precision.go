package inference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/quant"
	"maquette/inference/runtime"
)

// Precision is what networks compute in.
type Precision string

// The precisions.
const (
	// PrecisionAuto is PrecisionFP32, which is right on every provider, but for
	// drafts on the CPU, which are PrecisionFast: measured with the starter, two
	// threads and 256², their steps take 0.69 of the time.
	PrecisionAuto Precision = "auto"
	// PrecisionFP32 is float32 everywhere: the images of the reference.
	PrecisionFP32 Precision = "fp32"
	// PrecisionFP16 is float16 on GPUs, with norms, softmax and the VAE in float32.
	// A render that overflows is made again in float32. The CPU, which has no use
	// for float16, computes in float32.
	PrecisionFP16 Precision = "fp16"
	// PrecisionFast is int8 on the CPU where it doesn't hurt, see
	// arch.Int8Layers, and PrecisionFP16 on GPUs.
	PrecisionFast Precision = "fast"
)

// Precisions are all of them, the default first.
func Precisions() []Precision {
	return []Precision{PrecisionAuto, PrecisionFP32, PrecisionFP16, PrecisionFast}
}

// ParsePrecision reads a precision as users write it; empty is PrecisionAuto.
func ParsePrecision(text string) (Precision, error) {
	p := Precision(strings.ToLower(strings.TrimSpace(text)))
	if p == "" {
		return PrecisionAuto, nil
	}
	if !slices.Contains(Precisions(), p) {
		return "", fmt.Errorf("precision %q is not known; there are auto, fp32, fp16 and fast", text)
	}
	return p, nil
}

// precision is the request's, or the engine's.
func (r *run) precision() Precision {
	switch {
	case r.req.Precision != "" && r.req.Precision != PrecisionAuto:
		return r.req.Precision
	case r.e.cfg.Precision != "" && r.e.cfg.Precision != PrecisionAuto:
		return r.e.cfg.Precision
	case r.req.Draft && len(r.providers()) == 0:
		return PrecisionFast
	}
	return PrecisionAuto
}

// numbersKey tells networks in other numbers apart. The text encoders and the VAE
// compute in float32 whatever the precision.
func (r *run) numbersKey(p part) string {
	if p.component.Class != checkpoint.ClassUNet && p.component.Class != checkpoint.ClassControlNet {
		return ""
	}
	return fmt.Sprint(r.precision(), r.overflowed)
}

// int8 says whether a network of the render computes in int8 on the provider.
func (r *run) int8(p part, provider string) bool {
	return r.precision() == PrecisionFast && provider == runtime.CPU &&
		(p.component.Class == checkpoint.ClassUNet || p.component.Class == checkpoint.ClassControlNet && p.kind != "hint")
}

// half says whether a network computes in float16 on a GPU. VAEs don't, which
// overflow there: it is little of the time.
func (r *run) half(ctx context.Context, p part, provider string) bool {
	wanted := r.precision() == PrecisionFP16 || r.precision() == PrecisionFast
	if !wanted || r.overflowed || p.component.Class != checkpoint.ClassUNet && p.component.Class != checkpoint.ClassControlNet {
		return false
	}
	if r.e.rt.Half(ctx, provider) {
		r.halved = true
		return true
	}
	if r.precision() == PrecisionFP16 {
		r.note(provider + " has no fp16 on this machine, so it computes in fp32")
	}
	return false
}

// expectedBytes is about the memory that a network's weights take, before it is
// loaded on the first provider that is tried.
func (r *run) expectedBytes(p part) int64 {
	if len(r.usable(p)) == 0 && r.int8(p, runtime.CPU) {
		return 5*p.component.Elements()/4 + 4*p.extra // what stays in float is about a twelfth
	}
	elements := p.extra
	for _, c := range p.components() {
		elements += c.Elements()
	}
	return 4 * elements
}

// numbers are what a network computes in on a provider. Weights in int8 are made
// here if they aren't in the cache folder yet; where that fails, such as on a full
// disk, the network computes in float32 and the user is told.
func (r *run) numbers(ctx context.Context, p part, size arch.Size, provider string, l *loading) (graph.Numbers, error) {
	if provider != runtime.CPU {
		return graph.Numbers{ShapeFree: true, Half: r.half(ctx, p, provider)}, nil
	}
	if !r.int8(p, provider) {
		return graph.Numbers{}, nil
	}
	c, err := r.int8Copy(ctx, p, size, l.tell)
	if err == nil {
		return graph.Numbers{Int8: c}, nil
	}
	var bad *checkpoint.FormatError
	if ctx.Err() != nil || errors.As(err, &bad) {
		return graph.Numbers{}, err
	}
	r.note(fmt.Sprintf("The %s computes in fp32, not fast: %v", p.title(), err))
	return graph.Numbers{}, nil
}

// int8Copy finds or makes the int8 weights of a network.
func (r *run) int8Copy(ctx context.Context, p part, size arch.Size, tell func(done, total int64)) (*quant.Copy, error) {
	choose, err := arch.Int8Layers(p.component)
	if err != nil {
		return nil, err
	}
	// The graph itself says which weights it reads, and how.
	collector := quant.NewCollector(p.component, choose)
	size.Numbers = graph.Numbers{Int8: collector}
	if _, err := p.build(size); err != nil {
		return nil, err
	}
	var hash strings.Builder
	for _, f := range p.component.Files {
		h, err := r.e.hashes.of(ctx, f.Path, func(done, total int64) { tell(done, 2*total) })
		if err != nil {
			return nil, err
		}
		hash.WriteString(h)
	}
	return r.e.int8.Get(ctx, hash.String(), collector.Layers(), func(done, total int64) {
		r.note(fmt.Sprintf("The %s is prepared for fast precision; this happens once for each model file", p.title()))
		tell(total+done, 2*total)
	})
}

// title is the network's name in sentences.
func (p part) title() string {
	switch p.component.Class {
	case checkpoint.ClassUNet:
		return "UNet"
	case checkpoint.ClassControlNet:
		if p.kind == "hint" {
			return "ControlNet's hint block"
		}
		return "ControlNet"
	case checkpoint.ClassVAE, checkpoint.ClassTinyVAE:
		return "VAE " + p.kind
	}
	return "text encoder"
}

// newInt8Store is the folder of int8 copies that a Config asks for.
func newInt8Store(cfg Config) *quant.Store {
	s := &quant.Store{Dir: cfg.Int8Dir, Limit: cfg.Int8Bytes}
	if s.Limit == 0 {
		s.Limit = quant.DefaultLimit
	}
	if s.Dir == "" {
		s.Dir, _ = quant.DefaultDir() // without one, Get says so
	}
	return s
}
