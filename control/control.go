// Package control makes control images of sketches: the pictures that a
// ControlNet reads. Every edge-like control image is white on black, every
// depth image has near = white.
package control

import (
	"context"
	"fmt"
	"image"
)

// Kind is a way to read a sketch.
type Kind string

// The control kinds, by the names that users know from ControlNet.
const (
	Canny    Kind = "canny"
	Lineart  Kind = "lineart"
	Scribble Kind = "scribble"
	Straight Kind = "straight"
	Depth    Kind = "depth"
	Normal   Kind = "normal"
	SoftEdge Kind = "softedge"
	Tile     Kind = "tile"
)

// Lines reports whether control images of a kind are lines, white on black.
func (k Kind) Lines() bool {
	switch k {
	case Canny, Lineart, Scribble, Straight, SoftEdge:
		return true
	}
	return false
}

// ParamType says how a parameter is entered.
type ParamType int

// The types of parameters.
const (
	Float ParamType = iota
	Int
	Bool
)

// Param declares one parameter of an extractor. Window and command line both
// build their inputs from it: Name is the command line flag and the key in
// Params, Label and Help are English texts that the window translates.
type Param struct {
	Name, Label, Help string
	Type              ParamType
	Min, Max, Step    float64
	Default           float64 // Bool: 0 or 1
}

// Params holds parameter values by Param.Name. A missing name means its default.
type Params map[string]float64

// Extractor makes control images of one kind.
type Extractor interface {
	Kind() Kind
	// Label is the kind's English name for people, Help one sentence about it.
	Label() string
	Help() string
	Params() []Param
	// Extract reads src, of any size and polarity, and returns an opaque control
	// image of exactly size pixels. src is scaled to fill size when their shapes
	// differ by less than a pixel, else fitted and padded with its own ground.
	// src must not change meanwhile. Errors: a size outside 64…4096 pixels
	// (*SizeError), a parameter out of range (*ParamError), a cancelled context,
	// ErrNeedsDepthModel for the depth of a photograph without a depth model.
	Extract(ctx context.Context, src image.Image, size image.Point, p Params) (*image.RGBA, error)
}

// UnknownKindError reports a control kind that has no extractor.
type UnknownKindError struct{ Kind Kind }

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("unknown control kind %q", string(e.Kind))
}
