package lora

import (
	"fmt"
	"strconv"
	"strings"
)

// ldmLayout says where a UNet's modules are in CompVis' and Stability's code,
// which kohya's scripts train SDXL with. There the blocks of all levels are
// numbered on: going down, each resnet with its attention and each downsampler
// is a block; going up, a level has one more and its upsampler shares the last.
type ldmLayout struct {
	layers int
	// attentive up levels have attentions between resnet and upsampler.
	attentive map[int]bool
}

// newLDMLayout reads a UNet's layout off its weights' diffusers names.
func newLDMLayout(all []string) ldmLayout {
	l := ldmLayout{attentive: map[int]bool{}}
	for _, name := range all {
		var i int
		if _, err := fmt.Sscanf(name, "down_blocks.0.resnets.%d.conv1.weight", &i); err == nil {
			l.layers = max(l.layers, i+1)
		}
		if _, err := fmt.Sscanf(name, "up_blocks.%d.attentions.0.proj_in.weight", &i); err == nil {
			l.attentive[i] = true
		}
	}
	return l
}

// path translates a module's path.
func (l ldmLayout) path(path string) (string, bool) {
	parts := strings.SplitN(path, ".", 4)
	if parts[0] == "mid_block" {
		// mid_block has no level: resnets.0, attentions.0, resnets.1
		parts = strings.SplitN("mid_block.0."+path[len("mid_block."):], ".", 4)
	}
	if len(parts) < 4 {
		return ldmStem(path)
	}
	level, err := strconv.Atoi(parts[1])
	if err != nil {
		return "", false
	}
	number, inner, _ := strings.Cut(parts[3], ".")
	j, err := strconv.Atoi(number)
	if err != nil {
		return "", false
	}
	switch parts[0] + "." + parts[2] {
	case "down_blocks.resnets":
		return fmt.Sprintf("input_blocks.%d.0.%s", l.down(level)+j, ldmResnet(inner)), true
	case "down_blocks.attentions":
		return fmt.Sprintf("input_blocks.%d.1.%s", l.down(level)+j, inner), true
	case "down_blocks.downsamplers":
		return fmt.Sprintf("input_blocks.%d.0.op", l.down(level)+l.layers), true
	case "mid_block.resnets":
		return fmt.Sprintf("middle_block.%d.%s", 2*j, ldmResnet(inner)), true
	case "mid_block.attentions":
		return fmt.Sprintf("middle_block.%d.%s", 2*j+1, inner), true
	case "up_blocks.resnets":
		return fmt.Sprintf("output_blocks.%d.0.%s", l.up(level)+j, ldmResnet(inner)), true
	case "up_blocks.attentions":
		return fmt.Sprintf("output_blocks.%d.1.%s", l.up(level)+j, inner), true
	case "up_blocks.upsamplers":
		place := 1
		if l.attentive[level] {
			place = 2
		}
		return fmt.Sprintf("output_blocks.%d.%d.conv", l.up(level)+l.layers, place), true
	}
	return "", false
}

// down is the first block of a level; block 0 is the first convolution.
func (l ldmLayout) down(level int) int { return 1 + level*(l.layers+1) }

// up is the first block of a level.
func (l ldmLayout) up(level int) int { return level * (l.layers + 1) }

// ldmStem translates what lies outside the levels.
func ldmStem(path string) (string, bool) {
	for _, pair := range [...][2]string{
		{"conv_in", "input_blocks.0.0"}, {"conv_out", "out.2"},
		{"time_embedding.linear_1", "time_embed.0"}, {"time_embedding.linear_2", "time_embed.2"},
		{"add_embedding.linear_1", "label_emb.0.0"}, {"add_embedding.linear_2", "label_emb.0.2"},
	} {
		if path == pair[0] {
			return pair[1], true
		}
	}
	return "", false
}

// ldmResnet translates what lies within a resnet.
func ldmResnet(inner string) string {
	for _, pair := range [...][2]string{
		{"conv1", "in_layers.2"}, {"conv2", "out_layers.3"}, {"time_emb_proj", "emb_layers.1"}, {"conv_shortcut", "skip_connection"},
	} {
		if inner == pair[0] {
			return pair[1]
		}
	}
	return inner
}
