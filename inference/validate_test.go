package inference

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
)

func valid() Request {
	img := image.NewGray(image.Rect(5, 5, 5+64, 5+128))
	return Request{
		Checkpoint: "model", Width: 64, Height: 128, Steps: 20, Guidance: 7.5, Sampler: "euler", Count: 1,
		Controls: []Control{{ControlNet: "net", Image: img, Weight: 1, End: 1}}, Init: img, Strength: 0.5,
	}
}

func TestValidate(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	for field, changes := range map[string][]func(*Request){
		"Checkpoint":     {func(r *Request) { r.Checkpoint = " " }},
		"Prompt":         {func(r *Request) { r.Prompt = strings.Repeat("a", 1<<20) }},
		"NegativePrompt": {func(r *Request) { r.NegativePrompt = strings.Repeat("a", 1<<20) }},
		"Width": {func(r *Request) { r.Width = 0 }, func(r *Request) { r.Width = -64 }, func(r *Request) { r.Width = 65 },
			func(r *Request) { r.Width = 1 << 40 }, func(r *Request) { r.Width = 2056 }, func(r *Request) { r.Width = 56 }},
		"Height":   {func(r *Request) { r.Height = 100 }},
		"Steps":    {func(r *Request) { r.Steps = 0 }, func(r *Request) { r.Steps = 151 }},
		"Guidance": {func(r *Request) { r.Guidance = 0.5 }, func(r *Request) { r.Guidance = nan }, func(r *Request) { r.Guidance = 51 }},
		"Sampler":  {func(r *Request) { r.Sampler = "plms" }, func(r *Request) { r.Sampler = "" }},
		"Schedule": {func(r *Request) { r.Schedule = "cosine" }, func(r *Request) { r.Sampler, r.Schedule = "lcm", "karras" }},
		"Noise":    {func(r *Request) { r.Noise = "pink" }},
		"GuidanceRescale": {func(r *Request) { r.GuidanceRescale = -0.1 }, func(r *Request) { r.GuidanceRescale = 1.5 },
			func(r *Request) { r.GuidanceRescale = nan }},
		"Emphasis":           {func(r *Request) { r.Emphasis = "loud" }},
		"ClipSkip":           {func(r *Request) { r.ClipSkip = -1 }, func(r *Request) { r.ClipSkip = 25 }},
		"LoRAs":              {func(r *Request) { r.LoRAs = slices.Repeat([]LoRA{{Path: "a"}}, 65) }},
		"LoRAs[0].Path":      {func(r *Request) { r.LoRAs = []LoRA{{UNet: 1}} }},
		"LoRAs[0].UNet":      {func(r *Request) { r.LoRAs = []LoRA{{Path: "a", Text: 21}} }, func(r *Request) { r.LoRAs = []LoRA{{Path: "a", UNet: nan}} }},
		"Embeddings":         {func(r *Request) { r.Embeddings = slices.Repeat([]Embedding{{Path: "a"}}, 257) }},
		"Embeddings[0].Path": {func(r *Request) { r.Embeddings = []Embedding{{}} }},
		"Count":              {func(r *Request) { r.Count = 0 }, func(r *Request) { r.Count = 65 }},
		"PreviewEvery":       {func(r *Request) { r.PreviewEvery = -1 }},
		"Controls":           {func(r *Request) { r.Controls = make([]Control, 9) }},
		"Init":               {func(r *Request) { r.Init = image.NewGray(image.Rect(0, 0, 128, 64)) }},
		"Strength": {func(r *Request) { r.Strength = 0 }, func(r *Request) { r.Strength = 1.1 },
			func(r *Request) { r.Strength = nan }},
		"Controls[0].ControlNet": {func(r *Request) { r.Controls[0].ControlNet = "" }},
		"Controls[0].Image": {func(r *Request) { r.Controls[0].Image = nil },
			func(r *Request) { r.Controls[0].Image = image.NewGray(image.Rect(0, 0, 64, 64)) }},
		"Controls[0].Weight": {func(r *Request) { r.Controls[0].Weight = -1 }, func(r *Request) { r.Controls[0].Weight = nan },
			func(r *Request) { r.Controls[0].Weight = 2.5 }},
		"Controls[0].Start": {func(r *Request) { r.Controls[0].Start = -0.1 }, func(r *Request) { r.Controls[0].End = 1.1 },
			func(r *Request) { r.Controls[0].Start, r.Controls[0].End = 0.6, 0.5 }, func(r *Request) { r.Controls[0].End = nan }},
	} {
		for i, change := range changes {
			r := valid()
			change(&r)
			err := r.Validate()
			var bad *RequestError
			if !errors.As(err, &bad) || bad.Field != field {
				t.Errorf("%s, change %d: %v", field, i, err)
			}
		}
	}
	// All problems are told at once, and none needs a model.
	_, err := newEngine(t, Config{}).Render(context.Background(), Request{}, nil)
	for _, field := range []string{"Checkpoint", "Width", "Height", "Steps", "Guidance", "Sampler", "Count"} {
		if err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("the empty request: %s is not told in %v", field, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{{Threads: -1}, {CacheBytes: -1}, {Library: "/no/such/library.so"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, v := range []float64{0, 0.2, 0.35, 0.7, 1} {
		if got := decimal(float32(v)); got != v {
			t.Errorf("decimal(%v) = %v", v, got)
		}
	}
}

func TestBatchSize(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		count, most, w, h, channels int
		guided                      bool
		free                        int64
		want                        int
	}{
		{1, 4, 64, 64, 320, true, 16 * gib, 1},
		{4, 4, 64, 64, 320, true, 16 * gib, 4},
		{5, 4, 64, 64, 320, true, 16 * gib, 3}, // 3 and 2
		{64, 1, 64, 64, 320, true, 16 * gib, 1},
		{4, 4, 256, 256, 320, true, 2 * gib, 1},
		{4, 4, 256, 256, 320, false, 0, 1},
	} {
		if got := batchSize(c.count, c.most, activations(c.w, c.h, c.channels, c.guided), c.free); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
	}
	if free := freeMemory(); free < 1<<20 || free > 1<<50 {
		t.Errorf("%d bytes are free", free)
	}
}

func TestPlanes(t *testing.T) {
	img := image.NewNRGBA(image.Rect(10, 20, 12, 21))
	img.SetNRGBA(10, 20, color.NRGBA{255, 0, 51, 255})
	// the other pixel is transparent
	got := planes(img, color.White, -1, 1)
	want := []float32{1, 1, -1, 1, -0.6, 1}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if got := planes(img, color.Black, 0, 1); got[1] != 0 || got[0] != 1 {
		t.Errorf("on black: %v", got)
	}
}

func TestFromPlanes(t *testing.T) {
	img, err := fromPlanes([]float32{-1, 1, 0, 5, -7, 0.5}, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	// 0 is 127.5, which rounds to the even 128; 0.5 is 191.25.
	if want := [8]uint8{0, 128, 0, 255, 255, 255, 191, 255}; [8]uint8(img.Pix) != want {
		t.Errorf("got %v, want %v", img.Pix, want)
	}
	if _, err := fromPlanes([]float32{0, 0, float32(math.NaN())}, 1, 1); !errors.Is(err, errNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := fromPlanes(make([]float32, 4), 1, 1); err == nil {
		t.Error("4 values for a pixel: no error")
	}
}
