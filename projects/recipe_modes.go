package projects

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"path"

	"github.com/disintegration/imaging"

	"maquette/inference"
)

// Inpaint says which part of a recipe's Init is made new. A value is not changed
// once it is in a recipe; a changed recipe gets another one.
type Inpaint struct {
	// Mask is the file in the project, slash separated, of the mask, which lies
	// over Init: white is made new, black stays pixel by pixel, grey changes in part.
	Mask string `json:"mask"`
	// Only renders the masked part alone, at the recipe's size, and lays it back:
	// the picture keeps Init's size. Padding is how many pixels of Init the render
	// sees around the mask.
	Only    bool `json:"only,omitempty"`
	Padding int  `json:"padding,omitempty"`
	// Feather is over how many pixels of Init, inwards from the mask's edge, the
	// new fades into what is there.
	Feather int `json:"feather,omitempty"`
}

// DefaultInpaint returns the usual padding and feather for a mask.
func DefaultInpaint(mask string) Inpaint { return Inpaint{Mask: mask, Padding: 32, Feather: 8} }

// SecondPass renders the picture again, larger. A value is not changed once it
// is in a recipe.
type SecondPass struct {
	// Scale is how many times as wide and high the picture gets, above 1 and up to 4.
	Scale float64 `json:"scale"`
	// Strength above 0 and up to 1 is how much of the enlarged picture is replaced.
	Strength float64 `json:"strength"`
	// Steps is the number of sampling steps of which Strength are made; 0 means the recipe's.
	Steps int `json:"steps,omitempty"`
}

// DefaultSecondPass returns a second pass that adds detail and keeps what is there.
func DefaultSecondPass(scale float64) SecondPass { return SecondPass{Scale: scale, Strength: 0.4} }

const (
	maxScale = 4
	// maxInpaint bounds padding and feather, in pixels.
	maxInpaint = 2048
)

// FinalSize is the size in pixels of what the recipe's last pass renders. A
// picture of which only a masked part is made new keeps its own size.
func (r Recipe) FinalSize() image.Point {
	size := image.Pt(r.Width, r.Height)
	if r.SecondPass == nil {
		return size
	}
	grown := func(side int) int { return int(math.Round(float64(side)*r.SecondPass.Scale/8)) * 8 }
	return image.Pt(grown(size.X), grown(size.Y))
}

// checkModes names what can't be rendered of Init, Inpaint, SecondPass and the controls' modes.
func (r Recipe) checkModes(bad func(format string, args ...any)) {
	if r.Init != "" {
		if err := localFile(r.Init); err != nil {
			bad("the picture to start from: %v", err)
		} else if r.Inpaint == nil && !(r.Strength > 0 && r.Strength < 1) {
			bad("strength %g: with a picture to start from it must be above 0 and below 1", r.Strength)
		}
	}
	if p := r.Inpaint; p != nil {
		if err := localFile(p.Mask); err != nil {
			bad("the mask: %v", err)
		} else if r.Init == "" {
			bad("a mask without a picture that it belongs to: choose one to start from")
		}
		if p.Padding < 0 || p.Padding > maxInpaint || p.Feather < 0 || p.Feather > maxInpaint {
			bad("mask padding %d and feather %d: must be 0 to %d pixels", p.Padding, p.Feather, maxInpaint)
		}
	}
	if p := r.SecondPass; p != nil {
		if size := r.FinalSize(); !within(p.Scale, 1, maxScale) || p.Scale == 1 {
			bad("second pass ×%g: must be above 1 and at most %d", p.Scale, maxScale)
		} else if validSide(r.Width) && validSide(r.Height) && (!validSide(size.X) || !validSide(size.Y)) {
			bad("second pass ×%g: %d×%d is larger than %d pixels a side", p.Scale, size.X, size.Y, maxSide)
		}
		if !within(p.Strength, 0, 1) || p.Strength == 0 {
			bad("strength %g of the second pass: must be above 0 and at most 1", p.Strength)
		}
		if p.Steps < 0 || p.Steps > maxSteps {
			bad("%d steps of the second pass: must be 1 to %d, or 0 for as many as the first", p.Steps, maxSteps)
		}
	}
	if r.Views != nil && r.Inpaint != nil {
		bad("a mask with several views: it lies over one picture; change that alone first, then render the views with the changed picture to start from")
	}
	for i, c := range r.Controls {
		switch c.Mode {
		case inference.ControlBalanced, inference.ControlPromptFirst, inference.ControlControlFirst:
		default:
			bad("control %d (%s): mode %q must be %q, %q or left out", i+1, c.Kind, c.Mode, inference.ControlPromptFirst, inference.ControlControlFirst)
		}
	}
}

// InputName is the name that AddInput gives a picture.
func InputName(img image.Image) (string, error) {
	data, err := encodePNG(img, png.BestSpeed)
	if err != nil {
		return "", fmt.Errorf("keep the picture: %w", err)
	}
	return path.Join(historyDir, hexHash(data)+".png"), nil
}

// AddInput stores a picture that recipes start from, or a mask, and returns the
// file's name for Recipe.Init and Inpaint.Mask. The same picture gets the same name.
func (p *Project) AddInput(ctx context.Context, img image.Image) (string, error) {
	if err := p.writable(ctx); err != nil {
		return "", err
	}
	name, err := p.saveInput(img)
	if err != nil {
		return "", fmt.Errorf("keep the picture: %w", err)
	}
	return name, nil
}

// start reads what a recipe starts from into req, and returns the sketch as the
// controls see it: the part of it that is rendered.
func (p *Project) start(ctx context.Context, r Recipe, sketch image.Image, req *inference.Request) (image.Image, error) {
	size := image.Pt(r.Width, r.Height)
	if pass := r.SecondPass; pass != nil {
		final, steps := r.FinalSize(), pass.Steps
		if steps == 0 {
			steps = r.Steps
		}
		req.SecondPass = &inference.SecondPass{Width: final.X, Height: final.Y, Strength: float32(pass.Strength), Steps: steps}
	}
	if r.fromSketch() {
		req.Init, req.Strength = fit(sketch, size), float32(r.Strength)
	}
	if r.Init == "" {
		return sketch, nil
	}
	init, err := p.File(ctx, r.Init)
	if err != nil {
		return nil, fmt.Errorf("the picture that this render starts from: %w", err)
	}
	req.Strength = float32(r.Strength)
	if r.Inpaint == nil {
		req.Init = fit(init, size)
		return sketch, nil
	}
	if req.Strength == 0 {
		req.Strength = 1
	}
	mask, err := p.File(ctx, r.Inpaint.Mask)
	if err != nil {
		return nil, fmt.Errorf("the mask of this render: %w", err)
	}
	mask = maskFor(mask, init.Bounds().Size())
	if inference.MaskCrop(mask, 0, size).Empty() {
		return nil, fmt.Errorf("the mask of this render is black all over: paint where the picture may change")
	}
	req.MaskPadding, req.MaskFeather = r.Inpaint.Padding, r.Inpaint.Feather
	if !r.Inpaint.Only {
		req.Init, req.Mask = fit(init, size), fitMask(mask, size)
		return sketch, nil
	}
	req.Init, req.Mask, req.MaskOnly = onWhite(init), mask, true
	if sketch == nil {
		return nil, nil
	}
	return cutSketch(sketch, init.Bounds().Size(), inference.MaskCrop(mask, r.Inpaint.Padding, size)), nil
}

// maskFor is a mask at the size of the picture that it lies over.
func maskFor(mask image.Image, size image.Point) image.Image {
	if mask.Bounds().Size() == size {
		return mask
	}
	return imaging.Resize(mask, size.X, size.Y, imaging.Linear)
}

// fitMask is fit for the mask of a picture: what lies beside it is black.
func fitMask(mask image.Image, size image.Point) image.Image {
	b := mask.Bounds()
	black := image.NewRGBA(image.Rectangle{Max: b.Size()})
	draw.Draw(black, black.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(black, black.Rect, mask, b.Min, draw.Over)
	scaled := imaging.Fit(black, size.X, size.Y, imaging.Linear)
	if up := fitted(b.Size(), size); scaled.Rect.Size() != up {
		scaled = imaging.Resize(black, up.X, up.Y, imaging.Linear)
	}
	return imaging.PasteCenter(imaging.New(size.X, size.Y, color.Black), scaled)
}

// cutSketch is the part of a sketch that lies over the part at of a picture of
// size pixels, into which the sketch is fitted like a control image. Beside the
// sketch there is its own ground.
func cutSketch(sketch image.Image, size image.Point, at image.Rectangle) image.Image {
	flat := onWhite(sketch)
	from := flat.Rect.Size()
	to := fitted(from, size)
	left, top := (size.X-to.X)/2, (size.Y-to.Y)/2
	scale := float64(from.X) / float64(to.X)
	place := func(v, origin int) int { return int(math.Round(float64(v-origin) * scale)) }
	cut := image.Rect(place(at.Min.X, left), place(at.Min.Y, top), place(at.Max.X, left), place(at.Max.Y, top))
	out := image.NewRGBA(image.Rectangle{Max: image.Pt(max(cut.Dx(), 1), max(cut.Dy(), 1))})
	draw.Draw(out, out.Rect, image.NewUniform(border(flat)), image.Point{}, draw.Src)
	inside := cut.Intersect(flat.Rect)
	draw.Draw(out, inside.Sub(cut.Min), flat, inside.Min, draw.Src)
	return out
}
