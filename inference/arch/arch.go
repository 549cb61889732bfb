// Package arch describes the networks of Stable Diffusion 1, 2 and XL and writes their
// graphs: a struct per block with fields named after its tensors, and a forward
// method that adds the block's nodes.
//
// The architectures are those of diffusers and transformers, at any width.
// Everything is computed in float32 unless Size.Numbers says otherwise.
package arch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// Size fixes the dimensions of a graph and the numbers that it computes in. Fixed graphs run faster; a dimension
// that is 0 takes any size.
type Size struct {
	// Batch is the number of images (or prompts) at once.
	Batch int
	// Height and Width are those of the latents, an eighth of the image's in
	// Stable Diffusion 1.
	Height, Width int
	// Numbers say what the graph computes in; the zero value is float32.
	Numbers graph.Numbers
}

// dim is a dimension for the graph.
func dim(n int) int64 {
	if n <= 0 {
		return graph.Dynamic
	}
	return int64(n)
}

// scaled multiplies a dimension, which may be dynamic.
func scaled(n, by int) int64 {
	if n <= 0 {
		return graph.Dynamic
	}
	return int64(n) * int64(by)
}

// ConfigError reports a config that describes a network which isn't supported.
type ConfigError struct {
	// Path is the component's folder.
	Path string
	// Problem is a clause such as `act_fn "mish" is not supported`.
	Problem string
}

func (e *ConfigError) Error() string { return e.Path + "/config.json: " + e.Problem }

// parse reads a component's config into to, which holds the defaults.
func parse(c *checkpoint.Component, to any) error {
	if err := json.Unmarshal(c.Config, to); err != nil {
		return fmt.Errorf("%s/config.json: %w", c.Dir, err)
	}
	return nil
}

// perLevel is a config value that is one number for all levels or a list with
// one for each. The zero value is unset.
type perLevel []int

// UnmarshalJSON reads a number, a list or null.
func (p *perLevel) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*p = nil
		return nil
	}
	var list []int
	if err := json.Unmarshal(data, &list); err == nil {
		*p = list
		return nil
	}
	var one int
	if err := json.Unmarshal(data, &one); err != nil {
		return fmt.Errorf("want a number or a list of numbers, got %.40s", data)
	}
	*p = perLevel{one}
	return nil
}

// expand gives one value for each of n levels.
func (p perLevel) expand(n int) ([]int, bool) {
	switch len(p) {
	case 1:
		return slices.Repeat(p, n), p[0] > 0
	case n:
		return p, !slices.ContainsFunc(p, func(v int) bool { return v <= 0 })
	}
	return nil, false
}

// limits on what a config may ask for; they bound memory, not real models.
const (
	maxLevels   = 8
	maxLayers   = 128
	maxChannels = 1 << 16
)

// checkSizes refuses numbers that no network has.
func checkSizes(what string, low, high int, values ...int) error {
	for _, v := range values {
		if v < low || v > high {
			return fmt.Errorf("%s is %d; want %d to %d", what, v, low, high)
		}
	}
	return nil
}
