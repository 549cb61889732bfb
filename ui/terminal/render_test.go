package terminal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/projects"
)

// exists returns an error if there is no file or folder.
func exists(path string) error {
	_, err := os.Stat(path)
	return err
}

func TestRender(t *testing.T) {
	b := newBench(t)
	project := b.path("project")
	b.ok("render", b.sketch("square.png"), "-p", "a box", "-n", "blurry", "-c", "canny:0.8:0-0.5,low=80", "-c", "lineart",
		"--size", "128x64", "--steps", "3", "--guidance", "4.5", "--sampler", "euler", "--karras=false",
		"--seed", "41", "--count", "2", "--strength", "0.5", "--provider", "WebGPU", "--project", project)

	if len(b.engine.requests) != 1 {
		t.Fatalf("%d requests", len(b.engine.requests))
	}
	r := b.engine.requests[0]
	if r.Prompt != "a box" || r.NegativePrompt != "blurry" || r.Width != 128 || r.Height != 64 || r.Steps != 3 ||
		r.Guidance != 4.5 || r.Sampler != "euler" || r.Schedule != "" || r.Seed != 41 || r.Count != 2 ||
		r.Strength != 0.5 || r.Init == nil || r.Checkpoint != "/models/starter" {
		t.Errorf("the request is %+v", r)
	}
	if len(r.Controls) != 2 {
		t.Fatalf("%d controls", len(r.Controls))
	}
	if c := r.Controls[0]; c.ControlNet != "/models/canny" || c.Weight != 0.8 || c.Start != 0 || c.End != 0.5 ||
		c.Image.Bounds().Dx() != 128 || c.Image.Bounds().Dy() != 64 {
		t.Errorf("the first control is %+v", c)
	}
	if got := b.config.Providers; !slices.Equal(got, []string{"WebGPU"}) {
		t.Errorf("the providers are %q", got)
	}
	if !b.engine.closed {
		t.Error("the engine was not closed")
	}

	files := b.lines()
	if len(files) != 2 {
		t.Fatalf("standard output is %q, want two paths", b.out.String())
	}
	for i, file := range files {
		if !filepath.IsAbs(file) || !strings.HasPrefix(file, project) {
			t.Errorf("%s is not a path in the project", file)
		}
		red, _, _, _ := openPNG(t, file).At(5, 5).RGBA()
		if red>>8 != uint32(41+i) {
			t.Errorf("%s is the image of seed %d, want %d", file, red>>8, 41+i)
		}
		if err := exists(sidecar(file)); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{"the fake engine runs", "Done in", "on Fake", "2 images"} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("standard error does not say %q:\n%s", want, &b.err)
		}
	}
}

func TestRenderJSON(t *testing.T) {
	b := newBench(t)
	project := b.path("project")
	b.ok("render", b.sketch("square.png"), "-p", "a box", "--count", "2", "--seed", "7", "--steps", "4", "--project", project, "--json")
	var order []string
	for _, e := range b.events() {
		name, _ := e["event"].(string)
		if len(order) == 0 || order[len(order)-1] != name {
			order = append(order, name)
		}
		switch name {
		case "start":
			recipe, _ := e["recipe"].(map[string]any)
			if e["project"] != project || recipe["prompt"] != "a box" || recipe["seed"] != 7.0 {
				t.Errorf("start is %v", e)
			}
		case "progress":
			if f, _ := e["fraction"].(float64); f < 0 || f > 1 || e["stage"] == "" {
				t.Errorf("progress is %v", e)
			}
		case "concept":
			file, _ := e["image"].(string)
			side, _ := e["sidecar"].(string)
			if err := errors.Join(exists(file), exists(side)); err != nil {
				t.Error(err)
			}
			if e["job"] == "" || e["width"] != 256.0 {
				t.Errorf("concept is %v", e)
			}
		case "done":
			if list, _ := e["concepts"].([]any); len(list) != 2 || e["state"] != "done" || e["provider"] != "Fake" {
				t.Errorf("done is %v", e)
			}
		}
	}
	if order[0] != "start" || order[len(order)-1] != "done" || !slices.Contains(order, "concept") || !slices.Contains(order, "note") {
		t.Errorf("the events come as %q", order)
	}
	if b.err.Len() > 0 {
		t.Errorf("standard error is %q", &b.err)
	}
}

func TestRenderSamples(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"vase", "speaker", "facade"} {
		b.ok("render", "sample:"+id, "--steps", "1", "--project", b.path("samples"))
		last := b.engine.requests[len(b.engine.requests)-1]
		if last.Prompt == "" || len(last.Controls) == 0 {
			t.Errorf("%s: the request is %+v", id, last)
		}
	}
	b.ok("render", "sample:vase", "-p", "a red vase", "--steps", "1", "--project", b.path("samples"))
	if got := b.engine.requests[len(b.engine.requests)-1].Prompt; got != "a red vase" {
		t.Errorf("-p was overruled by %q", got)
	}
	if code := b.run(t.Context(), "render", "sample:cat", "--project", b.path("cat")); code != ExitFailure ||
		!strings.Contains(b.err.String(), "sample:vase") {
		t.Errorf("sample:cat: exit code %d, %s", code, &b.err)
	}
}

// TestRenderKeepsOneSketch renders the same file twice and then by its name in
// the project: that is one sketch.
func TestRenderKeepsOneSketch(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	for range 2 {
		b.ok("render", sketch, "-p", "a box", "--steps", "1", "--project", project)
	}
	b.ok("render", "sketch:square", "-p", "a box", "--steps", "1", "--project", project)
	b.ok("project", "show", project, "--json")
	info := b.events()[0]
	if list, _ := info["sketches"].([]any); len(list) != 1 || info["concepts"] != 3.0 {
		t.Errorf("the project is %v", info)
	}
	if code := b.run(t.Context(), "render", "sketch:circle", "-p", "a box", "--project", project); code != ExitFailure ||
		!strings.Contains(b.err.String(), `"square"`) {
		t.Errorf("sketch:circle: exit code %d, %s", code, &b.err)
	}
}

func TestRenderFromStandardInput(t *testing.T) {
	b := newBench(t)
	data, err := os.ReadFile(b.sketch("square.png"))
	if err != nil {
		t.Fatal(err)
	}
	b.in = string(data)
	b.ok("render", "-", "-p", "a box", "--steps", "1", "--project", b.path("project"))
	b.in = "not an image"
	if code := b.run(t.Context(), "render", "-", "-p", "a box", "--project", b.path("other")); code != ExitFailure {
		t.Errorf("exit code %d", code)
	}
}

func TestRenderSkipsExisting(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	args := func(seed, count string) []string {
		return []string{"render", sketch, "-p", "a box", "-c", "canny,low=90", "--steps", "1", "--seed", seed, "--count", count, "--skip-existing", "--project", project}
	}
	b.ok(args("10", "2")...)
	b.ok(args("10", "2")...)
	if n := len(b.engine.requests); n != 1 || b.out.Len() > 0 {
		t.Fatalf("%d requests, output %q", n, &b.out)
	}
	b.ok(args("14", "1")...)
	b.ok(args("9", "8")...) // has 10, 11, 14
	var runs [][2]int64
	for _, r := range b.engine.requests[2:] {
		runs = append(runs, [2]int64{r.Seed, int64(r.Count)})
	}
	if want := [][2]int64{{9, 1}, {12, 2}, {15, 2}}; !slices.Equal(runs, want) {
		t.Errorf("rendered seeds and counts %v, want %v", runs, want)
	}
	b.ok(append(args("10", "1"), "--guidance", "5")...)
	if n := len(b.engine.requests); n != 6 {
		t.Errorf("another recipe was skipped: %d requests", n)
	}
}

// TestRenderCancelled stops a render after its first image, as Ctrl-C does.
func TestRenderCancelled(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.engine.afterImage = func(int) { cancel() }
	project := b.path("project")
	code := b.run(ctx, "render", b.sketch("square.png"), "-p", "a box", "--count", "4", "--steps", "2", "--project", project)
	if code != ExitFailure || !strings.Contains(b.err.String(), "cancelled; 1 of 4 images kept") {
		t.Errorf("exit code %d, %s", code, &b.err)
	}
	if len(b.lines()) != 1 {
		t.Errorf("standard output is %q, want one path", &b.out)
	}
	b.ok("project", "ls", project, "--json")
	if n := len(b.lines()); n != 1 {
		t.Errorf("the project has %d concepts, want 1", n)
	}
	b.ok("project", "check", project)
}

func TestRenderFailures(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	b.engine.fail = errors.New("out of paint")
	if code := b.run(t.Context(), "render", sketch, "-p", "a box", "--project", project); code != ExitFailure ||
		!strings.Contains(b.err.String(), "out of paint") {
		t.Errorf("a failing engine: exit code %d, %s", code, &b.err)
	}
	if code := b.run(t.Context(), "render", sketch, "-p", "a box", "--project", project, "--json"); code != ExitFailure {
		t.Errorf("a failing engine with --json: exit code %d", code)
	}
	last := b.events()[len(b.events())-1]
	if text, _ := last["message"].(string); last["event"] != "error" || !strings.Contains(text, "out of paint") {
		t.Errorf("the last event is %v", last)
	}
	absent := b.path("absent.png")
	if code := b.run(t.Context(), "render", absent, "-p", "a box", "--project", b.path("new")); code != ExitFailure ||
		!strings.Contains(b.err.String(), absent) {
		t.Errorf("a missing sketch: exit code %d, %s", code, &b.err)
	}
	if exists(b.path("new")) == nil {
		t.Error("a missing sketch left an empty project behind")
	}
	if code := b.run(t.Context(), "render", sketch, "-p", "a box", "-m", "no-such-model", "--project", project); code != ExitFailure ||
		!strings.Contains(b.err.String(), "no-such-model") {
		t.Errorf("a missing checkpoint: exit code %d, %s", code, &b.err)
	}
	if err := os.WriteFile(b.path("letter.txt"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := b.run(t.Context(), "render", sketch, "-p", "a box", "--project", b.dir); code != ExitFailure ||
		exists(b.path("concepts")) == nil {
		t.Errorf("a folder with other files was made a project: exit code %d, %s", code, &b.err)
	}
}

func TestRenderLockedProject(t *testing.T) {
	b := newBench(t)
	project := b.path("project")
	p, err := projects.Create(t.Context(), project, "")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	code := b.run(t.Context(), "render", b.sketch("square.png"), "-p", "a box", "--project", project)
	if code != ExitFailure || !strings.Contains(b.err.String(), project) {
		t.Errorf("exit code %d, %s", code, &b.err)
	}
	b.ok("project", "ls", project) // reading needs no lock
}

// TestRenderOwnCheckpoint takes a checkpoint by its name in the library and
// changes the defaults to those of full-size checkpoints.
func TestRenderOwnCheckpoint(t *testing.T) {
	b := newBench(t)
	b.library.entries = []checkpoint.Entry{{Path: "/elsewhere/photo.safetensors", Name: "photo"}}
	b.ok("render", b.sketch("square.png"), "-p", "a box", "-m", "photo", "--steps", "1", "--project", b.path("project"))
	r := b.engine.requests[0]
	if r.Checkpoint != "/models/photo.safetensors" || r.Width != 512 || r.Guidance != 7 || r.Controls[0].End != 0.8 {
		t.Errorf("the request is %+v", r)
	}
	b.ok("render", b.sketch("square.png"), "-p", "a box", "-m", "photo", "-c", "none", "--size", "256", "--guidance", "3", "--steps", "1", "--project", b.path("project"))
	r = b.engine.requests[1]
	if r.Width != 256 || r.Guidance != 3 || len(r.Controls) != 0 {
		t.Errorf("the flags were overruled: %+v", r)
	}
}

// TestRenderLike takes the recipe of a concept and of its PNG alone.
func TestRenderLike(t *testing.T) {
	b := newBench(t)
	sketch, project := b.sketch("square.png"), b.path("project")
	b.ok("render", sketch, "-p", "a box", "-n", "blurry", "-c", "canny:0.7:0-0.5,low=77", "--steps", "3", "--seed", "11", "--size", "128", "--project", project)
	concept := b.lines()[0]
	b.ok("render", sketch, "--like", concept, "-p", "a red box", "--steps", "2", "--project", project)
	r := b.engine.requests[1]
	if r.Prompt != "a red box" || r.NegativePrompt != "blurry" || r.Steps != 2 || r.Seed != 11 || r.Width != 128 ||
		r.Controls[0].Weight != 0.7 || r.Controls[0].End != 0.5 {
		t.Errorf("like a concept: %+v", r)
	}
	data, err := os.ReadFile(concept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.path("alone.png"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	b.ok("render", sketch, "--like", b.path("alone.png"), "--project", project)
	if r := b.engine.requests[2]; r.Prompt != "a box" || r.Seed != 11 || r.Steps != 3 {
		t.Errorf("like a PNG alone: %+v", r)
	}
	if code := b.run(t.Context(), "render", sketch, "--like", sketch, "--project", project); code != ExitFailure ||
		!strings.Contains(b.err.String(), sketch) {
		t.Errorf("like an image without recipe: exit code %d, %s", code, &b.err)
	}
}

func TestResumeNothing(t *testing.T) {
	b := newBench(t)
	b.ok("project", "new", b.path("project"))
	b.ok("render", "--resume", "--project", b.path("project"))
	if !strings.Contains(b.err.String(), "nothing unfinished") {
		t.Errorf("standard error is %q", &b.err)
	}
	if code := b.run(t.Context(), "render", "--resume", "--project", b.path("absent")); code != ExitFailure || exists(b.path("absent")) == nil {
		t.Errorf("a missing project: exit code %d", code)
	}
}

func TestRenderAdapters(t *testing.T) {
	b := newBench(t)
	project := b.path("project")
	render := func(args ...string) {
		t.Helper()
		b.ok(append([]string{"render", b.sketch("square.png"), "-p", "a box", "--seed", "1", "--project", project}, args...)...)
	}
	render("--schedule", "exponential", "--clip-skip", "2", "--rng", "GPU", "--lora", "ink", "--lora", "C:/models/oak:0.8:-0.5", "--lora", "dusk:0.3",
		"--vae", "ft-mse", "--guidance-rescale", "0.7", "--prediction", "v_prediction", "--emphasis", "no_norm")
	want := inference.Request{Schedule: "exponential", ClipSkip: 2, Noise: "philox", GuidanceRescale: 0.7, Prediction: "v_prediction", Emphasis: "no_norm"}
	r := b.engine.requests[0]
	got := inference.Request{Schedule: r.Schedule, ClipSkip: r.ClipSkip, Noise: r.Noise, GuidanceRescale: r.GuidanceRescale, Prediction: r.Prediction, Emphasis: r.Emphasis}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the request is %+v", r)
	}
	concept := b.lines()[0]
	recipe, _, err := sidecarRecipe(sidecar(concept))
	if err != nil {
		t.Fatal(err)
	}
	loras := []projects.RecipeLoRA{{Path: "ink", UNet: 1, Text: 1}, {Path: "C:/models/oak", UNet: 0.8, Text: -0.5}, {Path: "dusk", UNet: 0.3, Text: 0.3}}
	if recipe.VAE != "ft-mse" || !reflect.DeepEqual(recipe.LoRAs, loras) {
		t.Errorf("the recipe has %q and %v", recipe.VAE, recipe.LoRAs)
	}
	// Like an image, with some of it taken back.
	render("--like", concept, "--lora", "none", "--vae", "none", "--prediction", "none", "--rng", "torch", "--emphasis", "original", "--sampler", "ddim")
	if recipe, _, err = sidecarRecipe(sidecar(b.lines()[0])); err != nil {
		t.Fatal(err)
	}
	if len(recipe.LoRAs) > 0 || recipe.VAE+recipe.Prediction+recipe.Noise+recipe.Emphasis+recipe.Schedule != "" || recipe.ClipSkip != 2 {
		t.Errorf("the recipe is %+v", recipe)
	}
	b.ok("project", "show", project, "0001")
	for _, want := range []string{"C:/models/oak:0.8:-0.5", "ft-mse", "Clip skip", "philox", "no_norm", "Exponential"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("project show does not say %q:\n%s", want, &b.out)
		}
	}
	for _, args := range [][]string{{"--schedule", "cosine"}, {"--sampler", "lcm", "--schedule", "karras"}, {"--schedule", "karras", "--karras"}, {"--rng", "dice"},
		{"--emphasis", "loud"}, {"--lora", ":1"}, {"--lora", "ink:30"}, {"--lora", "ink", "--lora", "none"}, {"--clip-skip", "-1"}, {"--guidance-rescale", "2"},
		{"--prediction", "flow"}} {
		if code := b.run(t.Context(), append([]string{"render", b.sketch("s.png"), "-p", "a box", "--project", b.path("other")}, args...)...); code != ExitUsage {
			t.Errorf("%q: exit code %d\n%s", args, code, &b.err)
		}
	}
	if err := exists(b.path("other")); err == nil {
		t.Error("a project was made for a wrong command line")
	}
}
