package terminal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maquette/inference/checkpoint"
	"maquette/inference/prompt"
	"maquette/inference/sampler"
	"maquette/projects"
)

const adapterHelp = `

A prompt may have weights, (word:1.3), ((word)) and [word], and as many words as
it needs; BREAK begins a new chunk of 75 tokens. It calls a LoRA of the model
library as <lora:NAME:0.8> and a textual inversion by its name.`

// none is what empties a list or goes back to a default.
const none = "none"

// adapterFlags are the flags of `maquette render` for what changes a checkpoint
// and for how prompts and noise are read.
type adapterFlags struct {
	loras           []string
	vae             string
	clipSkip        int
	emphasis        string
	rng             string
	guidanceRescale float64
	prediction      string
}

func (a *adapterFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&a.loras, "lora", nil,
		"apply a LoRA, as NAME[:STRENGTH[:TEXT-STRENGTH]] with a path or a name of the model library; repeat it for several, 'none' for none")
	flags.StringVar(&a.vae, "vae", "", "decode with this VAE, a path or a name of the model library; 'none' for the checkpoint's own")
	flags.IntVar(&a.clipSkip, "clip-skip", 0, "layer of the text encoder that is read, from the end; 0 is the checkpoint's usual one, many anime checkpoints want 2")
	flags.StringVar(&a.emphasis, "emphasis", prompt.EmphasisOriginal,
		"how the weights of a prompt act: one of "+strings.Join(prompt.Emphases(), ", ")+"; the first is AUTOMATIC1111's")
	flags.StringVar(&a.rng, "rng", sampler.NoiseTorch,
		"what draws a seed's noise: "+sampler.NoiseTorch+", as ComfyUI and InvokeAI, or "+sampler.NoisePhilox+", as AUTOMATIC1111")
	flags.Float64Var(&a.guidanceRescale, "guidance-rescale", 0, "take back this part of the contrast that guidance adds, 0…1; 0.7 suits checkpoints that predict v")
	flags.StringVar(&a.prediction, "prediction", "",
		"what the checkpoint predicts, "+sampler.Epsilon+" or "+sampler.VPrediction+", where its file doesn't say it right; 'none' for what it says")
}

// apply puts the given flags into a recipe. Its errors are usage errors.
func (a *adapterFlags) apply(given func(string) bool, out *projects.Recipe) error {
	if given("lora") {
		out.LoRAs = nil
		for _, spec := range a.loras {
			if spec == none && len(a.loras) == 1 {
				break
			}
			l, err := parseLoRA(spec)
			if err != nil {
				return &usageError{err}
			}
			out.LoRAs = append(out.LoRAs, l)
		}
	}
	if given("vae") {
		out.VAE = modelPath(orNone(a.vae))
	}
	if given("clip-skip") {
		out.ClipSkip = a.clipSkip
	}
	if given("emphasis") {
		out.Emphasis = a.emphasis
		if a.emphasis == prompt.EmphasisOriginal {
			out.Emphasis = "" // one spelling, so that recipes compare
		}
	}
	if given("rng") {
		noise, ok := map[string]string{"torch": "", "cpu": "", "philox": sampler.NoisePhilox, "nv": sampler.NoisePhilox, "gpu": sampler.NoisePhilox}[strings.ToLower(a.rng)]
		if !ok {
			return usagef("--rng %q is not one of %s, %s", a.rng, sampler.NoiseTorch, sampler.NoisePhilox)
		}
		out.Noise = noise
	}
	if given("guidance-rescale") {
		out.GuidanceRescale = a.guidanceRescale
	}
	if given("prediction") {
		out.Prediction = orNone(a.prediction)
	}
	return nil
}

// orNone is a value, or nothing for the word none.
func orNone(value string) string {
	if value == none {
		return ""
	}
	return value
}

// modelPath makes a path of an existing file absolute and leaves names alone.
func modelPath(name string) string {
	if _, err := os.Stat(name); err == nil && name != "" {
		if abs, err := filepath.Abs(name); err == nil {
			return abs
		}
	}
	return name
}

// parseLoRA reads NAME[:STRENGTH[:TEXT-STRENGTH]]. Names may have colons, as
// paths on Windows do: strengths are the numbers at the end.
func parseLoRA(spec string) (projects.RecipeLoRA, error) {
	l := projects.RecipeLoRA{UNet: 1, Text: 1}
	name := spec
	var numbers []float64
	for len(numbers) < 2 {
		at := strings.LastIndexByte(name, ':')
		if at < 0 {
			break
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(name[at+1:]), 64)
		if err != nil {
			break
		}
		name, numbers = name[:at], append([]float64{v}, numbers...)
	}
	switch len(numbers) {
	case 1:
		l.UNet, l.Text = numbers[0], numbers[0]
	case 2:
		l.UNet, l.Text = numbers[0], numbers[1]
	}
	if l.Path = modelPath(strings.TrimSpace(name)); l.Path == "" || name == none {
		return l, fmt.Errorf("--lora %q: want NAME[:STRENGTH[:TEXT-STRENGTH]], such as ink:0.8", spec)
	}
	return l, nil
}

// formatLoRA writes a LoRA as --lora takes it.
func formatLoRA(l projects.RecipeLoRA) string {
	text := l.Path + ":" + number(l.UNet)
	if l.Text != l.UNet {
		text += ":" + number(l.Text)
	}
	return text
}

// adapterRows describe what a recipe has beside its usual fields.
func adapterRows(r projects.Recipe) [][]string {
	var rows [][]string
	add := func(name, value string) { rows = append(rows, []string{name, value}) }
	for _, l := range r.LoRAs {
		add("LoRA", formatLoRA(l))
	}
	if r.VAE != "" {
		add("VAE", r.VAE)
	}
	if r.Prediction != "" {
		add("Predicts", r.Prediction)
	}
	if r.ClipSkip > 0 {
		add("Clip skip", strconv.Itoa(r.ClipSkip))
	}
	if r.Emphasis != "" {
		add("Emphasis", r.Emphasis)
	}
	if r.GuidanceRescale > 0 {
		add("Guidance rescale", number(r.GuidanceRescale))
	}
	if r.Noise != "" {
		add("Noise", r.Noise)
	}
	return rows
}

// completeAdapters registers the completions of the flags.
func (s *session) completeAdapters(cmd *cobra.Command) {
	fixed := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	models := func(kind checkpoint.Kind) cobra.CompletionFunc {
		return func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			return append(s.modelNames(cmd.Context(), kind, prefix), none), cobra.ShellCompDirectiveDefault
		}
	}
	must(cmd.RegisterFlagCompletionFunc("lora", models(checkpoint.KindLoRA)))
	must(cmd.RegisterFlagCompletionFunc("vae", models(checkpoint.KindVAE)))
	must(cmd.RegisterFlagCompletionFunc("schedule", fixed(sampler.Schedules("")...)))
	must(cmd.RegisterFlagCompletionFunc("emphasis", fixed(prompt.Emphases()...)))
	must(cmd.RegisterFlagCompletionFunc("rng", fixed(sampler.NoiseTorch, sampler.NoisePhilox)))
	must(cmd.RegisterFlagCompletionFunc("prediction", fixed(sampler.Epsilon, sampler.VPrediction, none)))
}

// modelNames lists the names of the library's models of a kind that begin with
// prefix. Folders that can't be read propose nothing.
func (s *session) modelNames(ctx context.Context, kind checkpoint.Kind, prefix string) []string {
	entries, err := checkpoint.Scan(ctx, s.settings().ModelFolders)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.Kind == kind && e.Reason == "" && strings.HasPrefix(e.Name, prefix) && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}

// checkAdapters looks for the LoRAs, VAE and embeddings of a recipe, before a
// project is made for a render that can't be.
func checkAdapters(ctx context.Context, library projects.Models, r projects.Recipe) error {
	if len(r.LoRAs) == 0 && r.VAE == "" && !strings.Contains(r.Prompt, "<") {
		return nil
	}
	_, err := library.Resolve(ctx, r)
	return err
}
