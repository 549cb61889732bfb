package arch

import (
	"fmt"
	"strings"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// smallestInt8 is the number of weights from which int8 pays.
const smallestInt8 = 64 * 64

// Int8Layers says which layers of a UNet or ControlNet may compute in int8; nil
// for other networks. In float stay what the picture depends on most: the first
// and last convolutions and resnets, the embedding of time, what reads the text
// (its values have outliers, and it is little work) and a ControlNet's outputs.
// Attention and norms have no weights of this kind. Errors: *ConfigError.
func Int8Layers(c *checkpoint.Component) (func(graph.Weight) bool, error) {
	if c.Class != checkpoint.ClassUNet && c.Class != checkpoint.ClassControlNet {
		return nil, nil
	}
	config, err := parseUNet(c)
	if err != nil {
		return nil, err
	}
	keep := []string{"conv_in.", "conv_out.", "time_emb", "add_embedding.", "attn2.to_k.", "attn2.to_v.", "controlnet_",
		"down_blocks.0.resnets.0.", fmt.Sprintf("up_blocks.%d.resnets.%d.", len(config.Channels)-1, config.layers[0])}
	return func(w graph.Weight) bool {
		size := int64(1)
		for _, d := range w.Shape {
			size *= d
		}
		for _, part := range keep {
			if strings.Contains(w.Name, part) {
				return false
			}
		}
		return size >= smallestInt8
	}, nil
}
