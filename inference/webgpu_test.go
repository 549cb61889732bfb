package inference

import (
	"context"
	"os"
	"testing"

	"maquette/inference/runtime"
)

// softwareVulkan makes WebGPU run on a GPU made of software, so that the test
// means the same on every machine.
func softwareVulkan(t *testing.T) {
	t.Helper()
	for _, icd := range []string{
		"/usr/lib/chromium/vk_swiftshader_icd.json",           // Debian's chromium package
		"/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",         // Mesa, new enough
		"/opt/google/chrome/vk_swiftshader_icd.json",          // Google's package
		"/snap/chromium/current/vk_swiftshader_icd.json",      // Ubuntu's snap
		"/usr/lib64/chromium-browser/vk_swiftshader_icd.json", // Fedora
	} {
		if _, err := os.Stat(icd); err == nil {
			t.Setenv("VK_ICD_FILENAMES", icd)
			t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
			return
		}
	}
	t.Fatal("no software Vulkan driver; install the package chromium, which has SwiftShader")
}

func TestWebGPUAgreesWithCPU(t *testing.T) {
	softwareVulkan(t)
	r := small(t, "narrow-euler")
	r.Steps = 2
	r.Controls[1].Start, r.Controls[1].End = 0.5, 1 // it acts in the second step alone

	gpu := newEngine(t, Config{Providers: []string{"webgpu"}})
	works := map[string]bool{}
	for _, s := range gpu.Providers(context.Background()) {
		works[s.Name] = s.OK
		if !s.OK && s.Reason == "" {
			t.Errorf("%s doesn't work for no reason", s.Name)
		}
	}
	if !works[runtime.CPU] || !works[runtime.WebGPU] {
		t.Fatalf("providers %v", works)
	}
	cpu := newEngine(t, Config{})
	both := r.Controls
	// The UNet with both ControlNets inside serves with one of them and without as well.
	for _, controls := range [][]Control{both, both[1:], nil} {
		r.Controls = controls
		want := render(t, cpu, r, nil)
		res := render(t, gpu, r, func(p Progress) {
			if p.Note != "" {
				t.Errorf("note: %s", p.Note)
			}
		})
		if res.Provider != runtime.WebGPU {
			t.Errorf("rendered on %s", res.Provider)
		}
		most, mean := difference(t, res.Images[0], want.Images[0])
		t.Logf("%d controls: greatest difference %d levels, mean %.4f", len(controls), most, mean)
		if most > 3 {
			t.Errorf("WebGPU differs from the CPU by %d levels", most)
		}
		unets := 0
		for _, s := range gpu.cache.loaded {
			if s.Name() == "UNet" {
				unets++
			} else if s.Name() == "ControlNet" {
				t.Error("a ControlNet is loaded beside the UNet that holds it")
			}
		}
		if unets != 1 {
			t.Errorf("%d UNets are loaded", unets)
		}
	}
}
