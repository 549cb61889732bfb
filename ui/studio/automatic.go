package studio

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"maquette/inference"
	"maquette/projects/settings"
)

// makeEngine makes the engine that the settings ask for. Where they leave the
// choice of the provider to Maquette, that is the first of the offered ones that
// works, and the CPU where there is no GPU.
func makeEngine(ctx context.Context, o Options, set settings.Settings) (Engine, error) {
	if o.NewEngine == nil {
		return nil, errors.New("this build of Maquette has no engine")
	}
	e, err := o.NewEngine(set)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	if len(set.Providers) > 0 || !mayHaveGPU() {
		return e, nil
	}
	if set.Providers = automatic(e.Providers(ctx)); set.Providers == nil {
		return e, nil
	}
	faster, err := o.NewEngine(set)
	if err != nil {
		return e, nil // the one on the CPU has started
	}
	return faster, e.Close()
}

// automatic returns the first of the offered GPU providers that works, or nil.
func automatic(list []inference.ProviderStatus) []string {
	for _, choice := range providerChoices() {
		works := func(p inference.ProviderStatus) bool { return p.OK && p.Name == choice[0] && p.Name != "CPU" }
		if len(choice) > 0 && slices.ContainsFunc(list, works) {
			return choice
		}
	}
	return nil
}

// mayHaveGPU reports whether trying a GPU makes sense. Vulkan drivers that
// compute on the CPU look like a GPU and are slower than the CPU provider, so on
// Linux there must be a device of the kernel.
func mayHaveGPU() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	for _, device := range []string{"/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/dxg"} {
		if found, err := filepath.Glob(device); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}
