package terminal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maquette/inference"
	"maquette/inference/runtime"
	"maquette/projects/settings"
)

// engineFlags are the flags that say how the engine runs, over the settings.
type engineFlags struct {
	providers []string
	precision precisionFlag
	memory    memoryFlag
}

func (f *engineFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.providers, "provider", nil, "execution provider to run on, such as CPU or WebGPU, or several in the order to try them (default: those of the settings)")
	flags.Var(&f.precision, "precision", "fp32 (exact), fp16 (half, on GPUs), fast (int8 on the CPU, fp16 on GPUs) or auto (default: that of the settings)")
	flags.Var(&f.memory, "memory", "memory for models that stay loaded between renders, such as 6GB or 800MB, or auto (default: that of the settings)")
}

func (f *engineFlags) complete(cmd *cobra.Command) {
	must(cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(runtime.ProviderNames(), cobra.ShellCompDirectiveNoFileComp)))
	var names []string
	for _, p := range inference.Precisions() {
		names = append(names, string(p))
	}
	must(cmd.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("memory", cobra.NoFileCompletions))
}

// over is set with what the flags say in its place.
func (f *engineFlags) over(set settings.Settings) settings.Settings {
	if len(f.providers) > 0 {
		set.Providers = f.providers
	}
	if f.precision.text != "" {
		set.Precision = f.precision.text
	}
	if f.memory.given {
		set.MemoryMB = f.memory.mb
	}
	return set
}

// precisionFlag is a precision on the command line.
type precisionFlag struct{ text string }

func (p *precisionFlag) String() string { return p.text }
func (p *precisionFlag) Type() string   { return "precision" }

func (p *precisionFlag) Set(text string) error {
	v, err := inference.ParsePrecision(text)
	p.text = string(v)
	return err
}

// memoryFlag is a size of memory on the command line.
type memoryFlag struct {
	mb    int64
	given bool
}

func (m *memoryFlag) String() string {
	if !m.given {
		return ""
	}
	return strconv.FormatInt(m.mb, 10) + "MB"
}

func (m *memoryFlag) Type() string { return "size" }

func (m *memoryFlag) Set(text string) error {
	m.given = true
	if m.mb = 0; strings.EqualFold(text, "auto") {
		return nil
	}
	number, unit := strings.ToUpper(strings.ReplaceAll(text, " ", "")), 1.0
	for _, u := range []struct {
		name string
		mb   float64
	}{{"GIB", 1 << 10}, {"GB", 1 << 10}, {"G", 1 << 10}, {"MIB", 1}, {"MB", 1}, {"M", 1}} {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = rest, u.mb
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if mb := v * unit; err != nil || !(mb >= 1 && mb <= settings.MaxMemoryMB) {
		return fmt.Errorf("%q is no size of memory; write one such as 6GB or 800MB, or auto", text)
	}
	m.mb = int64(v * unit)
	return nil
}
