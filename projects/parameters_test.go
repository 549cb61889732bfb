package projects

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"maquette/control"
	"maquette/inference/prompt"
	"maquette/inference/sampler"
)

func fullRecipe() Recipe {
	return Recipe{
		Prompt: "a blue glossy vase,\nfront view, (glaze:1.2)", NegativePrompt: "blurry, \"text\"\nwatermark", Checkpoint: "/models/Dream: v8, pruned.safetensors",
		Controls: []RecipeControl{
			{Kind: control.Canny, Weight: 0.8, Start: 0.1, End: 0.9}, {Kind: control.Straight, Weight: 1.25, End: 1}, {Kind: control.SoftEdge, Weight: 1, End: 0.5},
		},
		Sampler: "dpmpp_2m", Schedule: "karras", Steps: 25, Guidance: 7.5, Seed: math.MaxInt64, Count: 1, Width: 512, Height: 768, Strength: 0.35,
		View: "three-quarter, left", Variant: `oak: "light"`,
	}
}

func TestParametersRoundTrip(t *testing.T) {
	want := fullRecipe()
	text := Parameters(want, map[string]string{want.Checkpoint: "0123456789abcdef"})
	got, err := ParseParameters(text)
	if err != nil {
		t.Fatal(err)
	}
	want.Checkpoint = "Dream: v8, pruned" // a name: paths stay at home
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\n got %+v\nwant %+v", text, got, want)
	}
	if !strings.Contains(text, "Model hash: 0123456789,") || strings.Contains(text, "/models") {
		t.Errorf("text %s", text)
	}
	for _, s := range []string{"ddim", "euler", "euler_a"} {
		r := Recipe{Prompt: "玻璃房子", Sampler: s, Checkpoint: StarterCheckpoint, Steps: 1, Guidance: 1, Count: 1, Width: 256, Height: 256, Seed: -1}
		if got, err := ParseParameters(Parameters(r, nil)); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
	for _, name := range sampler.Names() {
		for i, schedule := range sampler.Schedules(name) {
			r := Recipe{Prompt: "vase", Sampler: name, Schedule: schedule, Checkpoint: StarterCheckpoint, Steps: 1, Guidance: 1, Count: 1, Width: 256, Height: 256,
				VAE: "vae-ft", Prediction: "v_prediction", GuidanceRescale: 0.7, ClipSkip: 3, Emphasis: prompt.EmphasisNoNorm, Noise: sampler.NoisePhilox}
			if i == 0 {
				r.Schedule = ""
			}
			if got, err := ParseParameters(Parameters(r, nil)); err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("got %+v, %v, want %+v", got, err, r)
			}
		}
	}
}

// The schedule of other versions of AUTOMATIC1111 stands behind the sampler, or
// is left to it.
func TestParametersReadSchedules(t *testing.T) {
	for settings, want := range map[string][3]string{
		"Sampler: DPM++ 2M SDE Exponential":                                {"dpmpp_2m_sde", "exponential", ""},
		"Sampler: DPM++ SDE, Schedule type: Automatic, Version: v1.10.1":   {"dpmpp_sde", "karras", "philox"},
		"Sampler: DPM++ 2M SDE, Schedule type: Automatic, RNG: CPU":        {"dpmpp_2m_sde", "exponential", ""},
		"Sampler: Euler, Schedule type: Automatic, RNG: NV":                {"euler", "", "philox"},
		"Sampler: DDIM, Schedule type: Karras, Version: f2.0.1v1.10.1-pre": {"ddim", "", "philox"},
		"Sampler: UniPC, Schedule type: SGM Uniform, Version: ComfyUI":     {"uni_pc", "sgm_uniform", ""},
	} {
		r, err := ParseParameters("vase\nSteps: 20, CFG scale: 7, " + settings)
		if got := [3]string{r.Sampler, r.Schedule, r.Noise}; err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", settings, got, err, want)
		}
	}
}

// LoRAs go into the prompt, as AUTOMATIC1111 has them.
func TestParametersCallLoRAs(t *testing.T) {
	r := DefaultRecipe()
	r.Prompt = "a vase"
	r.LoRAs = []RecipeLoRA{{"/models/ink.safetensors", 0.8, 0.8}, {"/models/oak: old.safetensors", 1, 0.5}}
	text := Parameters(r, map[string]string{"/models/ink.safetensors": strings.Repeat("ab", 32), "/models/oak: old.safetensors": strings.Repeat("12", 32)})
	if want := `Lora hashes: "ink: ababababab, oak_ old: 1212121212"`; !strings.Contains(text, want) {
		t.Errorf("%s does not have %s", text, want)
	}
	if got := ParameterHashes(text); got["ink"] != "ababababab" {
		t.Errorf("hashes %v", got)
	}
	// A LoRA that the prompt calls is found among the hashes by its name.
	if called := Parameters(Recipe{Prompt: "<lora:ink:1>"}, map[string]string{"/models/ink.safetensors": strings.Repeat("ab", 32)}); !strings.Contains(called, "Lora hashes: \"ink: ababababab\"") {
		t.Errorf("%s has no hash", called)
	}
	if line, _, _ := strings.Cut(text, "\n"); line != "a vase <lora:ink:0.8> <lora:oak_ old:0.5:1>" {
		t.Errorf("prompt %q", line)
	}
	got, err := ParseParameters(text)
	if err != nil {
		t.Fatal(err)
	}
	rest, list, err := prompt.ExtractLoRAs(got.Prompt)
	if want := []prompt.LoRA{{Name: "ink", UNet: 0.8, Text: 0.8}, {Name: "oak_ old", UNet: 1, Text: 0.5}}; err != nil || !reflect.DeepEqual(list, want) || strings.TrimSpace(rest) != "a vase" {
		t.Errorf("%q, %v, %v", rest, list, err)
	}
}

// Sidecars of earlier versions say "karras".
func TestOldRecipesReadKarras(t *testing.T) {
	for data, want := range map[string]string{
		`{"sampler":"dpmpp_2m","karras":true}`:                  "karras",
		`{"sampler":"dpmpp_2m"}`:                                "",
		`{"sampler":"ddim","karras":true}`:                      "",
		`{"sampler":"euler","karras":true,"schedule":"normal"}`: "normal",
	} {
		r := Recipe{Steps: 7}
		if err := json.Unmarshal([]byte(data), &r); err != nil || r.Schedule != want || r.Steps != 7 {
			t.Errorf("%s: %+v, %v", data, r, err)
		}
	}
}

// TestParametersFollowTheFieldsRule reads the last line as other tools do.
func TestParametersFollowTheFieldsRule(t *testing.T) {
	text := Parameters(fullRecipe(), nil)
	lines := strings.Split(text, "\n")
	rule := regexp.MustCompile(`\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`)
	matches := rule.FindAllStringSubmatch(lines[len(lines)-1], -1)
	fields := map[string]string{}
	rest := lines[len(lines)-1]
	for _, m := range matches {
		fields[m[1]] = m[2]
		rest = strings.Replace(rest, m[0], "", 1)
	}
	if len(matches) < 3 || strings.TrimSpace(rest) != "" {
		t.Fatalf("%d fields, left over %q", len(matches), rest)
	}
	for key, want := range map[string]string{
		"Steps": "25", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "7.5", "Size": "512x768", "Model": `"Dream: v8, pruned"`,
		"Denoising strength": "0.35", "ControlNet 0": `"Module: canny, Model: automatic, Weight: 0.8, Guidance Start: 0.1, Guidance End: 0.9"`,
	} {
		if fields[key] != want {
			t.Errorf("%s: %q, want %q", key, fields[key], want)
		}
	}
	if lines[2] != `Negative prompt: blurry, "text"` {
		t.Errorf("third line %q", lines[2])
	}
}

func TestParseParametersOfOtherTools(t *testing.T) {
	text := "masterpiece, <lora:add_detail:1>\r\ncozy room\nNegative prompt: (worst quality:2), text\nlowres\n" +
		"Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 3456789012, Size: 640x960, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, " +
		`Clip skip: 2, ControlNet 0: "Module: softedge_pidinet, Model: control_v11p_sd15_softedge [a8575a2a], Weight: 1.5, Resize Mode: Crop and Resize, Guidance Start: 0.0, Guidance End: 0.75", Lora hashes: "add_detail: 7c6bad76eb54", Version: v1.9.4`
	r, err := ParseParameters(strings.ReplaceAll(text, "\r\n", "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Recipe{Prompt: "masterpiece, <lora:add_detail:1>\ncozy room", NegativePrompt: "(worst quality:2), text\nlowres", Checkpoint: "v1-5-pruned-emaonly",
		Controls: []RecipeControl{{Kind: control.SoftEdge, Weight: 1.5, End: 0.75}}, Sampler: "dpmpp_2m", Schedule: "karras", Steps: 30, Guidance: 7,
		Seed: 3456789012, Count: 1, Width: 640, Height: 960, ClipSkip: 2, Noise: "philox"}
	if !reflect.DeepEqual(r, want) {
		t.Fatalf("\n got %+v\nwant %+v", r, want)
	}
}

func TestParseParametersRefusesAndSurvives(t *testing.T) {
	for _, text := range []string{"", "just words", "Steps: 1, Sampler: x", strings.Repeat("a", 2<<20)} {
		if _, err := ParseParameters(text); !errors.Is(err, ErrNoParameters) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	r, err := ParseParameters("x\nSteps: 100000, Sampler: warp, CFG scale: NaN, Seed: abc, Size: 30000x30000, Denoising strength: -Inf, ControlNet 0: \"Module: nothing\"")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Errorf("a recipe that cannot be rendered: %v", err)
	}
}

func TestReadParametersErrors(t *testing.T) {
	data, err := encodePNG(picture(8, 8, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadParameters(bytes.NewReader(data)); !errors.Is(err, ErrNoParameters) {
		t.Errorf("a PNG without: %v", err)
	}
	if _, err := ReadParameters(strings.NewReader("hello")); err == nil {
		t.Error("text was taken for a PNG")
	}
}

func FuzzParseParameters(f *testing.F) {
	f.Add(Parameters(fullRecipe(), nil))
	f.Add("a\nNegative prompt: b\nSteps: 1, Sampler: Euler a, Seed: 2, Size: 64x64")
	f.Add("x\x00\u202E\nSteps: 1, A b: \"\\\"\", Seed: \"\\u0000\"")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseParameters(text)
		if err != nil {
			return
		}
		if r.Checkpoint == "" {
			r.Checkpoint = StarterCheckpoint
		}
		if len(r.Prompt)+len(r.NegativePrompt) < maxPrompt {
			if err := r.Validate(); err != nil {
				t.Fatalf("%q gives a recipe that cannot be rendered: %v", text, err)
			}
		}
	})
}

func TestValidate(t *testing.T) {
	if err := DefaultRecipe().Validate(); err != nil {
		t.Errorf("the default recipe: %v", err)
	}
	for name, change := range map[string]func(*Recipe){
		"width": func(r *Recipe) { r.Width = 250 }, "height": func(r *Recipe) { r.Height = 4096 }, "steps": func(r *Recipe) { r.Steps = 0 },
		"guidance": func(r *Recipe) { r.Guidance = math.NaN() }, "count": func(r *Recipe) { r.Count = 65 }, "strength": func(r *Recipe) { r.Strength = 1.5 },
		"checkpoint": func(r *Recipe) { r.Checkpoint = "" }, "weight": func(r *Recipe) { r.Controls[0].Weight = 3 }, "range": func(r *Recipe) { r.Controls[0].Start = 1.5 },
		"prompt": func(r *Recipe) { r.Prompt = strings.Repeat("x", maxPrompt+1) }, "controls": func(r *Recipe) { r.Controls = make([]RecipeControl, 9) },
	} {
		r := DefaultRecipe()
		change(&r)
		if err := r.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Backtracking over a text of a million characters would not end in the time
// that a test has.
func TestParseParametersEndsOnLongTexts(t *testing.T) {
	for _, pattern := range []string{"a", "ab: x,", `ab: "x,`, `ab: "\",`, "ab", ": ,", "a b-c/", "\n", "Negative prompt: x\n"} {
		text := "Steps: 1, Sampler: Euler, Seed: 1, " + strings.Repeat(pattern, 1<<20/len(pattern)-40)
		_, _ = ParseParameters(text) // any result will do
	}
}
