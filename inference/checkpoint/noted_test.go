package checkpoint

import (
	"encoding/json"
	"testing"
)

// A single file of unusual sizes says in its metadata what shapes don't tell;
// its autoencoder may be a tiny one.
func TestNotedConfigs(t *testing.T) {
	notes, err := json.Marshal(map[string]string{
		"config.unet":         `{"_class_name":"Other","norm_num_groups":16,"attention_head_dim":4}`,
		"config.text_encoder": `{"num_attention_heads":4}`,
		"config.scheduler":    `{"prediction_type":"v_prediction","timestep_spacing":"trailing"}`,
		"config.vae":          `no JSON`,
	})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":` + string(notes) + `,
		"model.diffusion_model.input_blocks.0.0.weight":{"dtype":"F16","shape":[8,4,3,3],"data_offsets":[0,576]},
		"model.diffusion_model.input_blocks.1.0.in_layers.2.weight":{"dtype":"F16","shape":[8,8,3,3],"data_offsets":[576,1728]},
		"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight":{"dtype":"F16","shape":[2,128],"data_offsets":[1728,2240]},
		"first_stage_model.decoder.layers.0.weight":{"dtype":"F16","shape":[2,4,3,3],"data_offsets":[2240,2384]},
		"first_stage_model.encoder.layers.0.weight":{"dtype":"F16","shape":[2,3,3,3],"data_offsets":[2384,2492]}}`
	m, err := Open(store(t, "starter.safetensors", file(header, 2492)))
	if err != nil {
		t.Fatal(err)
	}
	var unet struct {
		Class  string `json:"_class_name"`
		Groups int    `json:"norm_num_groups"`
		Heads  int    `json:"attention_head_dim"`
		Blocks []int  `json:"block_out_channels"`
	}
	if err := json.Unmarshal(m.UNet.Config, &unet); err != nil {
		t.Fatal(err)
	}
	if unet.Class != ClassUNet || unet.Groups != 16 || unet.Heads != 4 || len(unet.Blocks) != 1 || unet.Blocks[0] != 8 {
		t.Errorf("the UNet's config is %s", m.UNet.Config)
	}
	var text struct {
		Heads  int `json:"num_attention_heads"`
		Hidden int `json:"hidden_size"`
	}
	if err := json.Unmarshal(m.TextEncoder.Config, &text); err != nil || text.Heads != 4 || text.Hidden != 128 {
		t.Errorf("the text encoder's config is %s (%v)", m.TextEncoder.Config, err)
	}
	var schedule struct {
		Prediction string  `json:"prediction_type"`
		Spacing    string  `json:"timestep_spacing"`
		Beta       float64 `json:"beta_start"`
	}
	if err := json.Unmarshal(m.Scheduler, &schedule); err != nil || schedule.Prediction != "v_prediction" || schedule.Spacing != "trailing" || schedule.Beta != .00085 {
		t.Errorf("the scheduler's config is %s (%v)", m.Scheduler, err)
	}
	if m.VAE.Class != ClassTinyVAE || !json.Valid(m.VAE.Config) {
		t.Errorf("the VAE is a %s with the config %s", m.VAE.Class, m.VAE.Config)
	}
}
