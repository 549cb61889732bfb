package arch_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// changed opens a component of the narrow fixture with one config value changed.
func changed(t *testing.T, part, key string, value any) *checkpoint.Component {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "testdata", "modules", "narrow"))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, part, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	config[key] = value
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	model, err := checkpoint.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	switch part {
	case "unet":
		return model.UNet
	case "vae":
		return model.VAE
	}
	return model.TextEncoder
}

// TestConfigsThatAreNotSupported: each is refused by name before any graph is
// built, and none of them takes time or memory.
func TestConfigsThatAreNotSupported(t *testing.T) {
	for _, c := range []struct {
		part, key string
		value     any
	}{
		{"unet", "class_embed_type", "timestep"},
		{"unet", "addition_embed_type", "text_time"},
		{"unet", "act_fn", "mish"},
		{"unet", "time_embedding_type", "fourier"},
		{"unet", "resnet_time_scale_shift", "scale_shift"},
		{"unet", "only_cross_attention", true},
		{"unet", "mid_block_type", nil},
		{"unet", "down_block_types", []string{"KDownBlock2D", "DownBlock2D"}},
		{"unet", "up_block_types", []string{"UpBlock2D"}},
		{"unet", "block_out_channels", []int{}},
		{"unet", "block_out_channels", []int{8, 1 << 30}},
		{"unet", "block_out_channels", []int{8, -16}},
		{"unet", "block_out_channels", []int{8, 15}},
		{"unet", "layers_per_block", 1 << 40},
		{"unet", "layers_per_block", []int{1, 1, 1}},
		{"unet", "attention_head_dim", 3},
		{"unet", "attention_head_dim", 0},
		{"unet", "norm_num_groups", 0},
		{"unet", "cross_attention_dim", []int{24, 32}},
		{"vae", "act_fn", "relu"},
		{"vae", "block_out_channels", []int{8, 8, 8, 9}},
		{"vae", "scaling_factor", 0},
		{"vae", "layers_per_block", -1},
		{"vae", "up_block_types", []string{"AttnUpDecoderBlock2D"}},
		{"text_encoder", "hidden_act", "relu"},
		{"text_encoder", "num_attention_heads", 5},
		{"text_encoder", "num_hidden_layers", 1 << 40},
		{"text_encoder", "max_position_embeddings", 1 << 30},
	} {
		component := changed(t, c.part, c.key, c.value)
		var err error
		switch c.part {
		case "unet":
			_, err = arch.NewUNet(component)
		case "vae":
			_, err = arch.NewVAE(component)
		default:
			_, err = arch.NewTextEncoder(component)
		}
		var bad *arch.ConfigError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), component.Dir) {
			t.Errorf("%s: %s = %v gave %v", c.part, c.key, c.value, err)
		}
	}
}

// TestWeightsOfAnotherConfig: a config that doesn't belong to its weights is
// an error that names the tensor.
func TestWeightsOfAnotherConfig(t *testing.T) {
	unet, err := arch.NewUNet(changed(t, "unet", "layers_per_block", 2))
	if err != nil {
		t.Fatal(err)
	}
	var missing *graph.MissingTensorError
	if _, err := unet.Graph(arch.Size{}, true); !errors.As(err, &missing) || missing.Name != "down_blocks.0.resnets.1.norm1.weight" {
		t.Errorf("got %v", err)
	}
	unet, err = arch.NewUNet(changed(t, "unet", "cross_attention_dim", 32))
	if err != nil {
		t.Fatal(err)
	}
	var shape *graph.ShapeError
	if _, err := unet.Graph(arch.Size{}, true); !errors.As(err, &shape) || shape.Name != "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight" {
		t.Errorf("got %v", err)
	}
}

// TestControlNetOfAnotherFamily: ControlNets fit the UNets of their own widths.
func TestControlNetOfAnotherFamily(t *testing.T) {
	unet, err := arch.NewUNet(openFixture(t, "wide").model.UNet)
	if err != nil {
		t.Fatal(err)
	}
	if openFixture(t, "narrow").controlNet("controlnet-a").Fits(unet) {
		t.Error("a narrow ControlNet fits a wide UNet")
	}
}
