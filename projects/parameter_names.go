package projects

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"maquette/inference/prompt"
	"maquette/inference/sampler"
)

// spelling pairs our name of a choice with AUTOMATIC1111's.
type spelling struct{ ours, theirs string }

func samplerNames() []spelling {
	return []spelling{
		{sampler.DDIM, "DDIM"}, {sampler.Euler, "Euler"}, {sampler.EulerAncestral, "Euler a"}, {sampler.Heun, "Heun"},
		{sampler.DPMPP2M, "DPM++ 2M"}, {sampler.DPMPP2MSDE, "DPM++ 2M SDE"}, {sampler.DPMPPSDE, "DPM++ SDE"},
		{sampler.DPMPP3MSDE, "DPM++ 3M SDE"}, {sampler.UniPC, "UniPC"}, {sampler.LCM, "LCM"}, {sampler.TCD, "TCD"},
	}
}

// scheduleNames has the name that is written first where several are read as one.
func scheduleNames() []spelling {
	return []spelling{
		{sampler.Normal, "Normal"}, {sampler.Normal, "Uniform"}, {sampler.Normal, "Simple"}, {sampler.Karras, "Karras"},
		{sampler.Exponential, "Exponential"}, {sampler.SGMUniform, "SGM Uniform"}, {sampler.SpacedTrailing, "Trailing"},
		{sampler.Beta, "Beta"}, {sampler.AlignYourSteps, "Align Your Steps"},
	}
}

// noiseNames are AUTOMATIC1111's sources of noise. Its default, GPU, is what NV
// computes on any device.
func noiseNames() []spelling {
	return []spelling{{sampler.NoiseTorch, "CPU"}, {sampler.NoisePhilox, "NV"}, {sampler.NoisePhilox, "GPU"}}
}

func emphasisNames() []spelling {
	return []spelling{
		{prompt.EmphasisOriginal, "Original"}, {prompt.EmphasisNoNorm, "No norm"}, {prompt.EmphasisComfy, "Comfy"}, {prompt.EmphasisIgnore, "Ignore"},
	}
}

// theirs is AUTOMATIC1111's name of a choice, or the name itself.
func theirs(list []spelling, name string) string {
	for _, s := range list {
		if s.ours == name {
			return s.theirs
		}
	}
	return name
}

// ours is our name of a choice, or "" where there is none.
func ours(list []spelling, name string) string {
	for _, s := range list {
		if strings.EqualFold(s.theirs, strings.TrimSpace(name)) {
			return s.ours
		}
	}
	return ""
}

// splitSampler reads a sampler. Before version 1.9 AUTOMATIC1111 wrote the
// schedule behind it.
func splitSampler(value, otherwise string) (name, schedule string) {
	for _, s := range []string{sampler.Karras, sampler.Exponential} {
		if head, ok := strings.CutSuffix(value, " "+theirs(scheduleNames(), s)); ok {
			value, schedule = head, s
		}
	}
	if name = ours(samplerNames(), value); name == "" {
		name = otherwise
	}
	return name, schedule
}

// schedule reads a schedule. Automatic is the one that AUTOMATIC1111 prefers for
// the sampler.
func schedule(value, name string) string {
	if !strings.EqualFold(value, "Automatic") {
		return ours(scheduleNames(), value)
	}
	switch name {
	case sampler.DPMPP2M, sampler.DPMPPSDE:
		return sampler.Karras
	case sampler.DPMPP2MSDE, sampler.DPMPP3MSDE:
		return sampler.Exponential
	}
	return ""
}

// finish settles what depends on several settings.
func finish(r *Recipe, settings []keyValue) {
	given := map[string]string{}
	for _, kv := range settings {
		given[kv.key] = kv.value
	}
	if r.Schedule == sampler.Normal || !slices.Contains(sampler.Schedules(r.Sampler), r.Schedule) {
		r.Schedule = ""
	}
	if r.Noise == sampler.NoiseTorch {
		r.Noise = ""
	}
	if r.Emphasis == prompt.EmphasisOriginal {
		r.Emphasis = ""
	}
	// AUTOMATIC1111 and Forge leave their default out.
	foreign := regexp.MustCompile(`^(v1\.|f\d)`).MatchString(given["Version"])
	if _, ok := given["RNG"]; !ok && foreign {
		r.Noise = sampler.NoisePhilox
	}
}

// shortHash is the number of digits of a SHA-256 by which other tools know a
// file: Civitai's AutoV2.
const shortHash = 10

// hashOf is the short hash of a model that a recipe gives by its path or name.
func hashOf(hashes map[string]string, name string) string {
	hash, ok := hashes[name]
	for path, h := range hashes {
		if !ok && modelName(path) == name {
			hash = h
		}
	}
	if len(hash) < shortHash {
		return ""
	}
	return hash[:shortHash]
}

// loraHashes lists the LoRAs of the recipe and of its prompt with their hashes.
func loraHashes(r Recipe, hashes map[string]string) string {
	var names []string
	for _, l := range r.LoRAs {
		names = append(names, l.Path)
	}
	if _, called, err := prompt.ExtractLoRAs(r.Prompt); err == nil {
		for _, l := range called {
			names = append(names, l.Name)
		}
	}
	var list []string
	for _, name := range names {
		if hash := hashOf(hashes, name); hash != "" {
			if entry := callName(name) + ": " + hash; !slices.Contains(list, entry) {
				list = append(list, entry)
			}
		}
	}
	return strings.Join(list, ", ")
}

// callName is the name by which a prompt can call a LoRA.
func callName(path string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("<>:,\n\r", c) {
			return '_'
		}
		return c
	}, modelName(path))
}

// promptText is the prompt with the recipe's LoRAs as AUTOMATIC1111 calls them.
func promptText(r Recipe) string {
	parts := []string{strings.TrimSpace(r.Prompt)}
	for _, l := range r.LoRAs {
		name := callName(l.Path)
		if l.UNet == l.Text {
			parts = append(parts, fmt.Sprintf("<lora:%s:%s>", name, number(l.UNet)))
		} else {
			parts = append(parts, fmt.Sprintf("<lora:%s:%s:%s>", name, number(l.Text), number(l.UNet)))
		}
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}
