package terminal

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"maquette/control"
	"maquette/projects"
)

const (
	// noSecondPass is the --second-pass that takes away that of a recipe.
	noSecondPass = "none"
	// initStrength and maskStrength are the strengths of a picture to start from
	// where none is given. Without a mask its composition is to stay; with one the
	// masked part shall be able to get another colour, which less leaves as it is.
	initStrength, maskStrength = 0.6, 0.9
)

// modeFlags are the flags of `maquette render` that say what it starts from and
// how often it renders.
type modeFlags struct {
	init, mask       string
	only             bool
	padding, feather int
	second           string

	// The pictures that init and mask name, once they are read.
	initImage, maskImage image.Image
}

func (m *modeFlags) add(flags *pflag.FlagSet) {
	def := projects.DefaultInpaint("")
	flags.StringVar(&m.init, "init", "", "picture to start from, of which --strength is replaced (default 0.6, with a mask 0.9)")
	flags.StringVar(&m.mask, "mask", "", "picture of --init's shape that says where it is made new: white changes, black stays, grey changes in part")
	flags.BoolVar(&m.only, "mask-only", false, "render the masked part alone, at --size, and lay it back: the picture keeps --init's size")
	flags.IntVar(&m.padding, "mask-padding", def.Padding, "with --mask-only, how many pixels of --init around the mask are rendered with it")
	flags.IntVar(&m.feather, "mask-feather", def.Feather, "over how many pixels of --init, inwards from the mask's edge, the new fades into the old")
	flags.StringVar(&m.second, "second-pass", "", "render again, larger, as SCALE[:STRENGTH[:STEPS]] such as 2:0.4:12; 'none' for no second pass")
}

// apply changes a recipe. The pictures are read, and named in the recipe as the
// project will name them; see keep.
func (m *modeFlags) apply(flags *pflag.FlagSet, out *projects.Recipe) error {
	given := flags.Changed
	if given("second-pass") {
		pass, err := parseSecondPass(m.second)
		if err != nil {
			return usagef("--second-pass %w", err)
		}
		out.SecondPass = pass
	}
	var err error
	if given("init") {
		if m.initImage, out.Init, err = readInput(m.init); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
		out.Inpaint = nil
	}
	if out.Init == "" && (given("mask") || given("mask-only") || given("mask-padding") || given("mask-feather")) {
		return usagef("--mask needs --init: the picture of which a part is made new")
	}
	paint := projects.DefaultInpaint("")
	if out.Inpaint != nil {
		paint = *out.Inpaint
	}
	if given("mask") {
		if m.maskImage, paint.Mask, err = readInput(m.mask); err != nil {
			return fmt.Errorf("--mask: %w", err)
		}
		if m.initImage != nil && !sameShape(m.initImage.Bounds().Size(), m.maskImage.Bounds().Size()) {
			return usagef("--mask %s has %v pixels and --init %v: they must have the same shape", m.mask,
				sizeOf(m.maskImage), sizeOf(m.initImage))
		}
	}
	if paint.Mask == "" && (given("mask-only") || given("mask-padding") || given("mask-feather")) {
		return usagef("--mask-only, --mask-padding and --mask-feather need --mask")
	}
	if given("mask-only") {
		paint.Only = m.only
	}
	if given("mask-padding") {
		paint.Padding = m.padding
	}
	if given("mask-feather") {
		paint.Feather = m.feather
	}
	if paint.Mask != "" {
		out.Inpaint = &paint
	}
	if out.Init != "" && out.Strength == 0 && !given("strength") {
		if out.Strength = initStrength; out.Inpaint != nil {
			out.Strength = maskStrength
		}
	}
	return nil
}

// readInput reads a picture and gives it the name that a project will.
func readInput(path string) (image.Image, string, error) {
	img, err := control.OpenImage(path)
	if err != nil {
		return nil, "", err
	}
	name, err := projects.InputName(img)
	return img, name, err
}

// keep stores the pictures of the recipe in the project. Those of a recipe that
// was taken from the concept like are copied from its project.
func (m *modeFlags) keep(ctx context.Context, p *projects.Project, like string, r projects.Recipe) error {
	mask := ""
	if r.Inpaint != nil {
		mask = r.Inpaint.Mask
	}
	for _, in := range []struct {
		img  image.Image
		name string
		flag string
	}{{m.initImage, r.Init, "--init"}, {m.maskImage, mask, "--mask"}} {
		if in.name == "" {
			continue
		}
		img := in.img
		if img == nil {
			if _, err := p.File(ctx, in.name); err == nil {
				continue
			}
			from := filepath.Join(filepath.Dir(filepath.Dir(like)), filepath.FromSlash(in.name))
			if _, err := os.Stat(from); like == "" || err != nil {
				return fmt.Errorf("the recipe starts from %s, which this project does not have; give it with %s", in.name, in.flag)
			}
			var err error
			if img, err = control.OpenImage(from); err != nil {
				return err
			}
		}
		if _, err := p.AddInput(ctx, img); err != nil {
			return err
		}
	}
	return nil
}

// parseSecondPass reads SCALE[:STRENGTH[:STEPS]]. Its errors continue a sentence.
func parseSecondPass(text string) (*projects.SecondPass, error) {
	if text == noSecondPass {
		return nil, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) > 3 {
		return nil, fmt.Errorf("%q is more than SCALE:STRENGTH:STEPS", text)
	}
	scale, err := parseNumber(parts[0], 1, 4)
	if err != nil {
		return nil, fmt.Errorf("%q: scale %w", text, err)
	}
	pass := projects.DefaultSecondPass(scale)
	if len(parts) > 1 {
		if pass.Strength, err = parseNumber(parts[1], 0, 1); err != nil {
			return nil, fmt.Errorf("%q: strength %w", text, err)
		}
	}
	if len(parts) > 2 {
		if pass.Steps, err = strconv.Atoi(parts[2]); err != nil {
			return nil, fmt.Errorf("%q: %q is not a number of steps", text, parts[2])
		}
	}
	return &pass, nil
}

// sameShape says whether two sizes have the same shape, up to a pixel.
func sameShape(a, b image.Point) bool {
	d := a.X*b.Y - a.Y*b.X
	return max(d, -d) <= max(a.X, a.Y, b.X, b.Y)
}

// sizeOf writes an image's size.
func sizeOf(img image.Image) string {
	s := img.Bounds().Size()
	return fmt.Sprintf("%dx%d", s.X, s.Y)
}
