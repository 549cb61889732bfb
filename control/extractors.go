package control

import (
	"context"
	"fmt"
	"image"
	"slices"
)

// MinSide and MaxSide bound the sides of a control image, in pixels.
const (
	MinSide = 64
	MaxSide = 4096
)

// PhotoDepth estimates the depth of a photograph, usually with a depth network
// such as Depth Anything. The result may have any size; near is high. It is
// scaled to the render size and stretched to the full range. Where there is no
// such network it answers ErrNeedsDepthModel.
type PhotoDepth func(ctx context.Context, photo image.Image) (*image.Gray16, error)

// Option changes how extractors are built.
type Option func(*options)

type options struct{ photoDepth PhotoDepth }

// WithPhotoDepth gives the depth and normal extractors a depth model for
// photographs. Without it they answer ErrNeedsDepthModel for a photograph.
func WithPhotoDepth(f PhotoDepth) Option {
	return func(o *options) { o.photoDepth = f }
}

// method is what differs between kinds: how a page becomes a control image.
// v holds a valid value for every declared parameter.
type method func(ctx context.Context, pg *page, v values) (*image.RGBA, error)

// white makes a method of one whose control image has no colour. The page is
// surveyed before it draws; around a photograph of another shape stays black.
func white(draw func(ctx context.Context, pg *page, v values) (*image.Gray, error)) method {
	return func(ctx context.Context, pg *page, v values) (*image.RGBA, error) {
		if err := pg.look(ctx); err != nil {
			return nil, err
		}
		g, err := draw(ctx, pg, v)
		if err != nil {
			return nil, err
		}
		out, err := toRGBA(g)
		if err != nil {
			return nil, err
		}
		if pg.photo {
			pg.blankOutside(out, 0, 0, 0)
		}
		return out, nil
	}
}

// extractor is an Extractor made of its declarations and a method.
type extractor struct {
	kind        Kind
	label, help string
	params      []Param
	make        method
}

func (e *extractor) Kind() Kind      { return e.kind }
func (e *extractor) Label() string   { return e.label }
func (e *extractor) Help() string    { return e.help }
func (e *extractor) Params() []Param { return slices.Clone(e.params) }

// Extract checks the request, reads the source and runs the kind's method.
func (e *extractor) Extract(ctx context.Context, src image.Image, size image.Point, p Params) (*image.RGBA, error) {
	if size.X < MinSide || size.Y < MinSide || size.X > MaxSide || size.Y > MaxSide {
		return nil, fmt.Errorf("%s: %w", e.kind, &SizeError{Size: size})
	}
	v, err := readParams(e.kind, e.params, p)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(ctx, src, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.kind, err)
	}
	out, err := e.make(ctx, pg, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.kind, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.kind, err)
	}
	return out, nil
}

// SizeError reports a render size that no control image can have.
type SizeError struct{ Size image.Point }

func (e *SizeError) Error() string {
	return fmt.Sprintf("size %dx%d is outside %d to %d pixels a side; choose another render size",
		e.Size.X, e.Size.Y, MinSide, MaxSide)
}

// Extractors lists one extractor per kind, in the order shown to users.
// Extractors hold no state: they may be shared and used from many goroutines.
func Extractors(opts ...Option) []Extractor {
	return []Extractor{
		newLineart(), newCanny(), newScribble(), newStraight(), newSoftEdge(),
		NewDepth(opts...), NewNormal(opts...), newTile(),
	}
}

// For returns the extractor of kind k, or an *UnknownKindError.
func For(k Kind, opts ...Option) (Extractor, error) {
	for _, e := range Extractors(opts...) {
		if e.Kind() == k {
			return e, nil
		}
	}
	return nil, &UnknownKindError{Kind: k}
}
