package lora

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// configAlphas are the scales that diffusers 0.35 and later keep in a file's
// metadata, as PEFT's LoraConfig of each network.
type configAlphas map[Part]*alphaConfig

type alphaConfig struct {
	alpha   float64
	pattern map[string]float64
	rsLoRA  bool
}

// adapterMetadata is the metadata's key.
const adapterMetadata = "lora_adapter_metadata"

// configuredAlphas reads them; none is no error.
func configuredAlphas(metadata map[string]string) (configAlphas, error) {
	text, ok := metadata[adapterMetadata]
	if !ok {
		return nil, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("its metadata %s: %w", adapterMetadata, err)
	}
	configs := configAlphas{}
	for _, part := range []Part{UNet, TextEncoder, TextEncoder2} {
		c := &alphaConfig{}
		found := false
		for field, to := range map[string]any{"lora_alpha": &c.alpha, "alpha_pattern": &c.pattern, "use_rslora": &c.rsLoRA} {
			raw, ok := all[string(part)+"."+field]
			if !ok {
				continue
			}
			if err := json.Unmarshal(raw, to); err != nil {
				return nil, fmt.Errorf("its metadata %s, %s.%s: %w", adapterMetadata, part, field, err)
			}
			found = found || field == "lora_alpha"
		}
		if found {
			configs[part] = c
		}
	}
	return configs, nil
}

// scale is the scale of a module that has no alpha of its own: the configured
// one, or 1.
func (c configAlphas) scale(m module, rank int64) float32 {
	config, ok := c[m.part]
	if !ok {
		return 1
	}
	value := config.alpha
	path := strings.TrimSuffix(m.weight, ".weight")
	for pattern, v := range config.pattern {
		// PEFT takes the keys as regular expressions for the end of the path;
		// diffusers writes plain paths.
		if path == pattern || strings.HasSuffix(path, "."+pattern) {
			value = v
		}
	}
	if config.rsLoRA {
		return float32(value / math.Sqrt(float64(rank)))
	}
	return float32(value / float64(rank))
}
