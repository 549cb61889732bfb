// Package measure says how good pictures are in numbers: whether views show one
// object, and how far a set of pictures is from another one. All functions are
// pure; the same input gives the same numbers.
package measure

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"math"
	"slices"

	"golang.org/x/image/draw"

	"maquette/control/views"
)

// View is a picture of an object and the camera that it was made for.
type View struct {
	Name string
	// Camera has its frame: a Span.
	Camera views.Camera
	Image  image.Image
}

// Agreement says how far views show one object.
type Agreement struct {
	// SSIM is the mean structural similarity, −1…1, of what pairs of views show
	// both, one warped onto the other by the relief; 1 for the same surface.
	SSIM float64 `json:"ssim"`
	// Colour is the mean CIEDE2000 distance of the surface's parts.
	Colour float64    `json:"colour"`
	Pairs  []PairView `json:"pairs"`
}

// PairView is the agreement of two views.
type PairView struct {
	A string `json:"a"`
	B string `json:"b"`
	// Shared is the part of the object in B that A shows as well, or the other
	// way round, whichever is less, 0…1.
	Shared float64 `json:"shared"`
	SSIM   float64 `json:"ssim"`
	Colour float64 `json:"colour"`
}

const (
	// leastShared is how much of an object two views must share to be compared.
	leastShared = .02
	// leastFacing is how steeply a surface may be seen, as a cosine: what is
	// flatter has too few pixels to be warped.
	leastFacing = .25
	// leastPatch is how many pixels of a part two views must share to compare its colour.
	leastPatch = 24
	// leastSupport is the part of SSIM's window that must be shared.
	leastSupport = .5
)

// ErrNothingShared says that no two views show the same part of the object.
var ErrNothingShared = errors.New("no two views show the same part of the object")

// ViewAgreement warps each view to the others by the relief, leaves out what is
// hidden by a z-buffer, and compares what is left. It rewards copying and
// inherits the relief's errors, so show it beside the sketch fidelity. All
// images are brought to the size of the first. Errors: fewer than two views,
// ErrNothingShared, a camera without frame, a cancelled context.
func ViewAgreement(ctx context.Context, m *views.Mesh, list []View) (Agreement, error) {
	if len(list) < 2 {
		return Agreement{}, fmt.Errorf("view agreement: %d views can't be compared", len(list))
	}
	size := list[0].Image.Bounds().Size()
	seen := make([]*seenView, len(list))
	for i, v := range list {
		sight, err := views.See(ctx, m, v.Camera, size)
		if err != nil {
			return Agreement{}, fmt.Errorf("view agreement: %s: %w", v.Name, err)
		}
		if seen[i], err = newSeenView(sight, v.Image, size); err != nil {
			return Agreement{}, fmt.Errorf("view agreement: %s: %w", v.Name, err)
		}
	}
	var a Agreement
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			if err := ctx.Err(); err != nil {
				return Agreement{}, err
			}
			there, back := warp(seen[i], seen[j]), warp(seen[j], seen[i])
			p := PairView{A: list[i].Name, B: list[j].Name, Shared: min(there.shared, back.shared)}
			if p.Shared < leastShared {
				continue
			}
			p.SSIM, p.Colour = (there.ssim+back.ssim)/2, (there.colour+back.colour)/2
			a.Pairs = append(a.Pairs, p)
		}
	}
	if len(a.Pairs) == 0 {
		return a, fmt.Errorf("view agreement: %w", ErrNothingShared)
	}
	for _, p := range a.Pairs {
		a.SSIM += p.SSIM / float64(len(a.Pairs))
		a.Colour += p.Colour / float64(len(a.Pairs))
	}
	return a, nil
}

// seenView is a view with its surface.
type seenView struct {
	size    image.Point
	sight   *views.Sight
	rgb     [3][]float64
	gray    []float64
	surface []views.Surface
	on      []bool
}

func newSeenView(sight *views.Sight, img image.Image, size image.Point) (*seenView, error) {
	b := img.Bounds()
	if b.Empty() {
		return nil, errors.New("its image is empty")
	}
	shown := image.NewRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(shown, shown.Rect, img, b, draw.Src, nil)
	n := size.X * size.Y
	v := &seenView{size: size, sight: sight, gray: make([]float64, n), surface: make([]views.Surface, n), on: make([]bool, n)}
	for c := range v.rgb {
		v.rgb[c] = make([]float64, n)
	}
	for i := range n {
		for c := range v.rgb {
			v.rgb[c][i] = float64(shown.Pix[4*i+c])
		}
		v.gray[i] = luma(v.rgb[0][i], v.rgb[1][i], v.rgb[2][i])
		v.surface[i], v.on[i] = sight.At(i%size.X, i/size.X)
	}
	return v, nil
}

// luma is Rec. 601's.
func luma(r, g, b float64) float64 { return .299*r + .587*g + .114*b }

// sample reads a picture between pixels, whose centres lie at halves.
func (v *seenView) sample(x, y float64) (rgb [3]float64) {
	x, y = x-.5, y-.5
	x0, y0 := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := x-float64(x0), y-float64(y0)
	for k := range 4 {
		px, py := min(max(x0+k&1, 0), v.size.X-1), min(max(y0+k>>1, 0), v.size.Y-1)
		w := (1 - fx + float64(k&1)*(2*fx-1)) * (1 - fy + float64(k>>1)*(2*fy-1))
		for c := range rgb {
			rgb[c] += w * v.rgb[c][py*v.size.X+px]
		}
	}
	return rgb
}

type warped struct{ shared, ssim, colour float64 }

// warp brings view from to view to's camera and compares the two there.
func warp(from, to *seenView) warped {
	n := len(to.gray)
	weight, gray := make([]float64, n), make([]float64, n)
	type part struct {
		n        float64
		was, now [3]float64
	}
	parts := map[int32]*part{}
	object, both := 0., 0.
	for i := range n {
		if !to.on[i] {
			continue
		}
		object++
		s := to.surface[i]
		if s.Facing < leastFacing {
			continue
		}
		x, y, visible := from.sight.Find(s.Point)
		if !visible {
			continue
		}
		at := int(y)*from.size.X + int(x)
		if !from.on[at] || from.surface[at].Facing < leastFacing {
			continue
		}
		both++
		was := from.sample(x, y)
		weight[i], gray[i] = 1, luma(was[0], was[1], was[2])
		p := parts[s.Patch]
		if p == nil {
			p = &part{}
			parts[s.Patch] = p
		}
		p.n++
		for c := range was {
			p.was[c] += was[c]
			p.now[c] += to.rgb[c][i]
		}
	}
	out := warped{shared: both / max(object, 1)}
	if both == 0 {
		return out
	}
	similarity, support := ssimMap(gray, to.gray, weight, to.size.X, to.size.Y)
	sum, count := 0., 0.
	for i, w := range weight {
		if w > 0 && support[i] >= leastSupport {
			sum += similarity[i]
			count++
		}
	}
	out.ssim = sum / max(count, 1)
	sum, count = 0, 0
	for _, id := range slices.Sorted(maps.Keys(parts)) { // sums depend on their order
		p := parts[id]
		if p.n < leastPatch {
			continue
		}
		was := LabOf(p.was[0]/p.n, p.was[1]/p.n, p.was[2]/p.n)
		now := LabOf(p.now[0]/p.n, p.now[1]/p.n, p.now[2]/p.n)
		sum += p.n * ColourDistance(was, now)
		count += p.n
	}
	out.colour = sum / max(count, 1)
	return out
}
