package projects

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"maquette/control"
	"maquette/inference/prompt"
	"maquette/inference/sampler"
	"maquette/projects/internal/pngtext"
)

// The keywords of the texts in a concept's PNG: the recipe for other tools and
// the whole sidecar for this one.
const (
	parametersKeyword = "parameters"
	sidecarKeyword    = "maquette"
)

// programName is written into recipe texts as the program that made an image.
const programName = "Maquette"

// ErrNoParameters: a PNG without a recipe text, or a text that is none.
var ErrNoParameters = errors.New("no generation parameters")

// Parameters writes a recipe as the `parameters` text that AUTOMATIC1111 puts
// into its images and that most other tools read: the prompt, the negative
// prompt, then one line of settings. hashes, as in Concept.Hashes, may be nil.
func Parameters(r Recipe, hashes map[string]string) string {
	var b strings.Builder
	b.WriteString(promptText(r))
	b.WriteByte('\n')
	if neg := strings.TrimSpace(r.NegativePrompt); neg != "" {
		fmt.Fprintf(&b, "Negative prompt: %s\n", neg)
	}
	var line []string
	add := func(key, value string) { line = append(line, key+": "+quoteValue(value)) }
	add("Steps", strconv.Itoa(r.Steps))
	add("Sampler", theirs(samplerNames(), r.Sampler))
	add("Schedule type", theirs(scheduleNames(), cmp.Or(r.Schedule, sampler.Normal)))
	add("CFG scale", number(r.Guidance))
	add("Seed", strconv.FormatInt(r.Seed, 10))
	add("Size", fmt.Sprintf("%dx%d", r.Width, r.Height))
	if hash := hashes[r.Checkpoint]; len(hash) >= 10 {
		add("Model hash", hash[:10])
	}
	if r.Checkpoint != "" {
		add("Model", modelName(r.Checkpoint))
	}
	if r.VAE != "" {
		if hash := hashOf(hashes, r.VAE); hash != "" {
			add("VAE hash", hash)
		}
		add("VAE", modelName(r.VAE))
	}
	if r.ClipSkip > 1 {
		add("Clip skip", strconv.Itoa(r.ClipSkip))
	}
	add("RNG", theirs(noiseNames(), cmp.Or(r.Noise, sampler.NoiseTorch)))
	if r.Emphasis != "" && r.Emphasis != prompt.EmphasisOriginal {
		add("Emphasis", theirs(emphasisNames(), r.Emphasis))
	}
	if r.GuidanceRescale > 0 {
		add("CFG Rescale", number(r.GuidanceRescale))
	}
	if r.Prediction != "" {
		add("Prediction", r.Prediction)
	}
	if list := loraHashes(r, hashes); list != "" {
		add("Lora hashes", list)
	}
	addModes(r, add)
	for i, c := range r.Controls {
		add(fmt.Sprintf("ControlNet %d", i), controlText(c))
	}
	if r.View != "" {
		add("View", r.View)
	}
	if r.Variant != "" {
		add("Variant", r.Variant)
	}
	add("Version", programName)
	b.WriteString(strings.Join(line, ", "))
	return b.String()
}

// controlText writes a control as the ControlNet extension of AUTOMATIC1111 does.
func controlText(c RecipeControl) string {
	module := string(c.Kind)
	if c.Kind == control.Straight {
		module = "mlsd"
	}
	model := "automatic"
	if c.ControlNet != "" {
		model = modelName(c.ControlNet)
	}
	text := fmt.Sprintf("Module: %s, Model: %s, Weight: %s, Guidance Start: %s, Guidance End: %s",
		module, strings.Map(dropSeparators, model), number(c.Weight), number(c.Start), number(c.End))
	for _, n := range modeNames() {
		if n.ours == c.Mode {
			text += ", Control Mode: " + n.theirs
		}
	}
	return text
}

func dropSeparators(r rune) rune {
	if r == ',' || r == ':' || r == '"' {
		return ' '
	}
	return r
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// ModelName is a model's name for people: the file or folder name without its ending.
func ModelName(path string) string { return modelName(path) }

func modelName(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, ".safetensors")
}

// quoteValue writes a value as a JSON string where it would not be read back otherwise.
func quoteValue(v string) string {
	if !strings.ContainsAny(v, ",:\n\r\"") && strings.TrimSpace(v) == v {
		return v
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // a string always encodes
		return strconv.Quote(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func unquoteValue(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		var s string
		if json.Unmarshal([]byte(v), &s) == nil {
			return s
		}
	}
	return strings.TrimSpace(v)
}

// parameterPattern finds one "Key: value" of a settings line; it is the rule
// that AUTOMATIC1111's own reader uses.
const parameterPattern = `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`

// maxSettings bounds the line that is matched with it, in bytes.
const maxSettings = 64 << 10

// keyValue is one "Key: value" of a settings line.
type keyValue struct{ key, value string }

func settingsLine(line string) []keyValue {
	var out []keyValue
	for _, m := range regexp.MustCompile(parameterPattern).FindAllStringSubmatch(line, -1) {
		out = append(out, keyValue{strings.TrimSpace(m[1]), unquoteValue(m[2])})
	}
	return out
}

// ParseParameters reads a `parameters` text, of Maquette or of another tool,
// into a recipe. What the text does not say is as in DefaultRecipe, except that
// a text without controls gives a recipe without. Numbers that no render takes
// are left out. A text of more than a megabyte, or one that has neither
// settings nor a negative prompt, is an error that wraps ErrNoParameters.
func ParseParameters(text string) (Recipe, error) {
	if len(text) > pngtext.MaxText {
		return Recipe{}, fmt.Errorf("%w: %w", ErrNoParameters, pngtext.ErrTooLong)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := len(lines) - 1
	var settings []keyValue
	if len(lines[last]) <= maxSettings {
		settings = settingsLine(lines[last])
	}
	if len(settings) >= 3 {
		lines = lines[:last]
	} else {
		settings = nil
	}
	r := DefaultRecipe()
	r.Controls = nil
	var prompt, negative []string
	inNegative := false
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "Negative prompt:"); ok {
			inNegative, line = true, strings.TrimSpace(rest)
		}
		if inNegative {
			negative = append(negative, line)
		} else {
			prompt = append(prompt, line)
		}
	}
	if settings == nil && !inNegative {
		return Recipe{}, ErrNoParameters
	}
	r.Prompt = strings.TrimSpace(strings.Join(prompt, "\n"))
	r.NegativePrompt = strings.TrimSpace(strings.Join(negative, "\n"))
	r.Count = 1
	for _, kv := range settings {
		applySetting(&r, kv)
	}
	finish(&r, settings)
	finishSecondPass(&r)
	return r, nil
}

func applySetting(r *Recipe, kv keyValue) {
	switch kv.key {
	case "Steps":
		if n, err := strconv.Atoi(kv.value); err == nil && n >= 1 && n <= maxSteps {
			r.Steps = n
		}
	case "Sampler":
		r.Sampler, r.Schedule = splitSampler(kv.value, r.Sampler)
	case "Schedule type":
		r.Schedule = schedule(kv.value, r.Sampler)
	case "Clip skip":
		if n, err := strconv.Atoi(kv.value); err == nil && n >= 0 && n <= maxClipSkip {
			r.ClipSkip = n
		}
	case "RNG":
		r.Noise = ours(noiseNames(), kv.value)
	case "Emphasis":
		r.Emphasis = ours(emphasisNames(), kv.value)
	case "CFG Rescale", "CFG Rescale phi":
		if f, ok := float(kv.value, 0, 1); ok {
			r.GuidanceRescale = f
		}
	case "Prediction":
		if kv.value == sampler.Epsilon || kv.value == sampler.VPrediction {
			r.Prediction = kv.value
		}
	case "VAE":
		if !slices.Contains([]string{"Automatic", "None", ""}, kv.value) {
			r.VAE = strings.TrimSuffix(kv.value, ".safetensors")
		}
	case "CFG scale":
		if f, ok := float(kv.value, 0, maxGuidance); ok {
			r.Guidance = f
		}
	case "Seed":
		if n, err := strconv.ParseInt(kv.value, 10, 64); err == nil {
			r.Seed = n
		}
	case "Size":
		w, h, ok := strings.Cut(kv.value, "x")
		wn, errW := strconv.Atoi(w)
		hn, errH := strconv.Atoi(h)
		if ok && errW == nil && errH == nil && validSide(wn) && validSide(hn) {
			r.Width, r.Height = wn, hn
		}
	case "Model":
		r.Checkpoint = kv.value
	case "Denoising strength":
		if f, ok := float(kv.value, 0, 1); ok {
			r.Strength = f
		}
	case "Hires upscale":
		if f, ok := float(kv.value, 1, maxScale); ok && f > 1 {
			second(r).Scale = f
		}
	case "Hires steps":
		if n, err := strconv.Atoi(kv.value); err == nil && n >= 0 && n <= maxSteps {
			second(r).Steps = n
		}
	case "View":
		r.View = kv.value
	case "Variant":
		r.Variant = kv.value
	default:
		if strings.HasPrefix(kv.key, "ControlNet ") && len(r.Controls) < maxControls {
			if c, ok := parseControl(kv.value); ok {
				r.Controls = append(r.Controls, c)
			}
		}
	}
}

func float(s string, lo, hi float64) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && f >= lo && f <= hi
}

// parseControl reads what controlText or the ControlNet extension wrote. The
// model is left to the library, since the text holds no path.
func parseControl(text string) (RecipeControl, bool) {
	c := RecipeControl{Weight: 1, End: 1}
	for _, kv := range settingsLine(text) {
		switch kv.key {
		case "Module":
			c.Kind = kindOfModule(kv.value)
		case "Weight":
			if f, ok := float(kv.value, 0, maxWeight); ok {
				c.Weight = f
			}
		case "Control Mode":
			for _, n := range modeNames() {
				if n.theirs == kv.value {
					c.Mode = n.ours
				}
			}
		case "Guidance Start":
			if f, ok := float(kv.value, 0, 1); ok {
				c.Start = f
			}
		case "Guidance End":
			if f, ok := float(kv.value, 0, 1); ok {
				c.End = f
			}
		}
	}
	return c, c.Kind != "" && c.Start <= c.End
}

// kindOfModule finds the control kind of an extension's preprocessor, such as
// "softedge_pidinet" or "depth_midas".
func kindOfModule(module string) control.Kind {
	module = strings.ToLower(module)
	for _, k := range []control.Kind{control.Canny, control.Lineart, control.Scribble, control.Straight,
		control.Depth, control.Normal, control.SoftEdge, control.Tile} {
		if strings.HasPrefix(module, string(k)) {
			return k
		}
	}
	switch {
	case strings.HasPrefix(module, "mlsd"):
		return control.Straight
	case strings.HasPrefix(module, "hed"), strings.HasPrefix(module, "pidinet"):
		return control.SoftEdge
	}
	return ""
}

// ReadParameters returns the `parameters` text of a PNG. It reads no pixels.
// Errors: not a PNG, a cut-off file, a text of more than a megabyte, and
// ErrNoParameters where there is no such text.
func ReadParameters(r io.Reader) (string, error) {
	text, found, err := pngtext.Read(r, parametersKeyword)
	if err != nil {
		return "", fmt.Errorf("read recipe text: %w", err)
	}
	if !found {
		return "", fmt.Errorf("read recipe text: %w", ErrNoParameters)
	}
	return text, nil
}
