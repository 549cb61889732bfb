package inference

import (
	"fmt"
	"image"
	"math"
	"slices"

	"maquette/inference/arch"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// View is one camera on the object of a Request.
type View struct {
	// Name names the view to the user.
	Name string
	// Words are put behind the prompt, after a comma, such as "side left view".
	Words string
	// Controls are the control images of this view, one for each of the request's
	// Controls and in place of their Image; nil means those. A nil one leaves the
	// view without that control.
	Controls []image.Image
	// Fine are those of the second pass, in place of the controls' Fine.
	Fine []image.Image
	// Init, if not nil, is the image that img2img starts this view from, in place
	// of the request's.
	Init image.Image
}

// ShareMode says which other views a view reads.
type ShareMode string

// The modes of Share.
const (
	ShareOff   ShareMode = ""
	ShareFirst ShareMode = "first" // every view reads the first one
	ShareAll   ShareMode = "all"   // every view reads all others
)

// Share says how the views of a set keep to one object: they are denoised as one
// batch, in which self-attention reads the keys and values of other views too,
// and may begin with related noise. See arch.ViewSharing for the formula.
type Share struct {
	Mode ShareMode
	// Strength 0…1 is the part that reading the other views has in what a view's
	// attention gives; 0 is exactly as without.
	Strength float32
	// Unconditional 0…1 is the part of Strength that holds for the negative
	// prompt's half of guidance: 0 leaves it plain, which draws the views nearer
	// to the first one but loses detail; 1 is for checkpoints trained with joint
	// attention. Reference-only control has ½.
	Unconditional float32
	// MaxTokens bounds the layers that share: those where a view has at most this
	// many tokens, the pixels of its feature map. 0 means DefaultShareTokens.
	MaxTokens int
	// Noise 0…1 is the share of the first view's noise in the variance of every
	// view's: √Noise·n₀ + √(1−Noise)·nᵢ, the mixed noise of Ge et al. 2023 (arXiv
	// 2305.10474). 1 gives all views the same noise.
	Noise float32
}

// DefaultShareTokens is the Share.MaxTokens that 0 stands for: 32×32, the layers
// that decide shapes and colours. The scores of 64×64 tokens of four views take
// 2 GB for each view where a provider has no fused attention.
const DefaultShareTokens = 32 * 32

// on says whether views read each other.
func (s Share) on() bool { return s.Mode != ShareOff && s.Strength > 0 }

func (s Share) sharing() arch.ViewSharing {
	if s.MaxTokens > 0 {
		return arch.ViewSharing{MaxTokens: s.MaxTokens}
	}
	return arch.ViewSharing{MaxTokens: DefaultShareTokens}
}

// Images is the number of images that the request makes: Count, for each view.
// Image i shows view i modulo the number of views.
func (r Request) Images() int { return r.Count * r.perSet() }

// perSet is the number of images that belong together.
func (r Request) perSet() int { return max(1, len(r.Views)) }

// sharing says whether views are denoised together.
func (r Request) sharing() bool { return len(r.Views) > 1 && r.Share.on() }

// prompts are the positive prompts, one for each view.
func (r Request) prompts() []string {
	if len(r.Views) == 0 {
		return []string{r.Prompt}
	}
	var list []string
	for _, v := range r.Views {
		switch {
		case v.Words == "":
			list = append(list, r.Prompt)
		case r.Prompt == "":
			list = append(list, v.Words)
		default:
			list = append(list, r.Prompt+", "+v.Words)
		}
	}
	return list
}

// controlImages are the images of control i, one for each view; one alone
// stands for all.
func (r Request) controlImages(i int) []image.Image {
	var list []image.Image
	own := false
	for _, v := range r.Views {
		img := r.Controls[i].Image
		if v.Controls != nil {
			own = true
			if img = v.Controls[i]; img == nil {
				img = image.NewGray(image.Rect(0, 0, r.Width, r.Height)) // it has no weight
			}
		}
		list = append(list, img)
	}
	if !own {
		return []image.Image{r.Controls[i].Image}
	}
	return list
}

// controlled says which views have control i, one for each view or one for all.
func (r Request) controlled(i int) []bool {
	list := make([]bool, r.perSet())
	for v := range list {
		list[v] = len(r.Views) == 0 || r.Views[v].Controls == nil || r.Views[v].Controls[i] != nil
	}
	return list
}

// inits are the images that img2img starts from, one for each view or one for
// all; nil without.
func (r Request) inits() []image.Image {
	var list []image.Image
	own := false
	for _, v := range r.Views {
		img := r.Init
		if v.Init != nil {
			img, own = v.Init, true
		}
		list = append(list, img)
	}
	switch {
	case own:
		return list
	case r.Init != nil:
		return []image.Image{r.Init}
	}
	return nil
}

// validateViews checks what belongs to views.
func (r Request) validateViews(refuse func(field, format string, args ...any)) {
	if len(r.Views) > maxViews {
		refuse("Views", "%d are more than the %d allowed", len(r.Views), maxViews)
	} else if r.Images() > maxCount {
		refuse("Count", "%d times %d views are more than the %d images allowed", r.Count, len(r.Views), maxCount)
	}
	if len(r.Views) > 0 && r.Mask != nil {
		refuse("Mask", "views can't be rendered with a mask")
	}
	size := image.Pt(r.Width, r.Height)
	checkSize := func(field string, img image.Image, size image.Point) {
		if img == nil {
			refuse(field, "there is no image")
		} else if got := img.Bounds().Size(); got != size {
			refuse(field, "the image has %d×%d pixels, the render %d×%d", got.X, got.Y, size.X, size.Y)
		}
	}
	check := func(field string, img image.Image) { checkSize(field, img, size) }
	starting := r.Init != nil || slices.ContainsFunc(r.Views, func(v View) bool { return v.Init != nil })
	for i, v := range r.Views {
		if v.Controls != nil && len(v.Controls) != len(r.Controls) {
			refuse(fmt.Sprintf("Views[%d].Controls", i), "there are %d images for %d controls", len(v.Controls), len(r.Controls))
			continue
		}
		for k := range r.Controls {
			img := r.Controls[k].Image
			if v.Controls != nil {
				if img = v.Controls[k]; img == nil {
					continue // a view without this control
				}
			}
			check(fmt.Sprintf("Views[%d].Controls[%d]", i, k), img)
			if r.SecondPass == nil {
				continue
			}
			if img = r.Controls[k].Fine; len(v.Fine) == len(r.Controls) {
				img = v.Fine[k]
			}
			checkSize(fmt.Sprintf("Views[%d].Fine[%d]", i, k), img, image.Pt(r.SecondPass.Width, r.SecondPass.Height))
		}
		if starting && (v.Init != nil || r.Init == nil) {
			check(fmt.Sprintf("Views[%d].Init", i), v.Init)
		}
		if len(v.Words) > maxPromptBytes {
			refuse(fmt.Sprintf("Views[%d].Words", i), "%d bytes are more than the %d allowed", len(v.Words), maxPromptBytes)
		}
	}
	s := r.Share
	if s.Mode != ShareOff && s.Mode != ShareFirst && s.Mode != ShareAll {
		refuse("Share.Mode", "%q is unknown; known are %q and %q", s.Mode, ShareFirst, ShareAll)
	}
	for _, p := range []struct {
		field string
		value float32
	}{{"Strength", s.Strength}, {"Unconditional", s.Unconditional}, {"Noise", s.Noise}} {
		if !within(p.value, 0, 1) {
			refuse("Share."+p.field, "%v is outside 0…1", p.value)
		}
	}
	if s.MaxTokens < 0 {
		refuse("Share.MaxTokens", "%d is negative; 0 means %d", s.MaxTokens, DefaultShareTokens)
	}
}

// batches plans which images are denoised at once, by their numbers. size is
// how many fit. Views that read each other make one batch; where they don't fit,
// every batch of a set begins with its first view, which is made anew: its noise
// is the same, so the others read the same object in each batch.
func (r Request) batches(size int) [][]int {
	var list [][]int
	if !r.sharing() {
		all := make([]int, r.Images())
		for i := range all {
			all[i] = i
		}
		return slices.Collect(slices.Chunk(all, size))
	}
	per := r.perSet()
	for set := range r.Count {
		first := set * per
		for next := 1; next < per; {
			batch := []int{first}
			for ; next < per && len(batch) < max(size, 2); next++ {
				batch = append(batch, first+next)
			}
			list = append(list, batch)
		}
	}
	return list
}

// noise gives every image of a batch a stream of normal noise of its own, which
// doesn't depend on the batch; views may share theirs, see Share.Noise.
type noiseSource struct {
	own, first []sampler.Noise // first is nil where an image shares nothing
	share      float32
	drawn      []float32
}

func (r *run) newNoise(images []int) (*noiseSource, error) {
	n := &noiseSource{share: r.req.Share.Noise}
	per := r.req.perSet()
	for _, i := range images {
		own, err := sampler.NewNoise(r.req.Noise, r.req.Seed+int64(i))
		if err != nil {
			return nil, err
		}
		n.own = append(n.own, own)
		var first sampler.Noise
		if i%per != 0 && n.share > 0 {
			if first, err = sampler.NewNoise(r.req.Noise, r.req.Seed+int64(i-i%per)); err != nil {
				return nil, err
			}
		}
		n.first = append(n.first, first)
	}
	return n, nil
}

// fill draws the next values for all images of the batch.
func (n *noiseSource) fill(dst []float32) {
	each := len(dst) / len(n.own)
	a, b := float32(math.Sqrt(float64(n.share))), float32(math.Sqrt(float64(1-n.share)))
	for i, g := range n.own {
		out := dst[i*each : (i+1)*each]
		g.Normal(out)
		if n.first[i] == nil {
			continue
		}
		if len(n.drawn) < each {
			n.drawn = make([]float32, each)
		}
		n.first[i].Normal(n.drawn[:each])
		for k, v := range n.drawn[:each] {
			out[k] = a*v + b*out[k]
		}
	}
}

// of takes what belongs to each image of a batch out of a list that has one
// element for all or one for each view.
func of[T any](list []T, images []int) []T {
	out := make([]T, len(images))
	for k, i := range images {
		out[k] = list[i%len(list)]
	}
	return out
}

// shareViews makes the inputs by which the views of a batch read each other.
func (m *model) shareViews(copies int) error {
	s, n := m.r.req.Share, m.n
	var reads []int64
	var strength []float32
	for c := range copies {
		for i := range n {
			at := s.Strength
			if copies == 2 && c == 0 {
				at *= s.Unconditional
			}
			if s.Mode == ShareFirst {
				reads = append(reads, int64(c*n))
				if i == 0 {
					at = 0 // it would read itself
				}
			} else {
				for k := range n {
					if k != i {
						reads = append(reads, int64(c*n+k))
					}
				}
			}
			strength = append(strength, at)
		}
	}
	batch := int64(copies * n)
	views, err := runtime.NewInt64([]int64{batch, int64(len(reads)) / batch}, reads)
	if err != nil {
		return err
	}
	m.named[arch.ViewsInput] = views
	m.named[arch.ViewStrengthInput], err = runtime.NewFloat32([]int64{batch, 1, 1}, strength)
	return err
}
