package terminal

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maquette/control"
	"maquette/control/views"
	"maquette/inference"
	"maquette/projects"
)

const renderViewsHelp = `

With --views, the object of the sketch is shown from several sides, rendered
together so that they keep to one object. A view is one of
` + "  %s" + `
or an azimuth and elevation in degrees such as az30el10. The first one, or the
one of --drawn, is the sketch's own; the others are guided by what the sketch is
lifted to ('maquette views' shows it), or by your own drawing of the view, which
--view-drawing stores with the sketch. --count is then the number of sets.

A picture of --init is the sketch's own view. With --warp the other views start
from the finished first view seen from their side, else from that picture.`

// viewFlags are the flags of `maquette render` for several views.
type viewFlags struct {
	views    []string
	drawn    string
	drawings []string
	readings []string
	share    string
	strength float64
	half     float64
	tokens   int
	noise    float64
	warp     float64
}

// shareModes are the values of --share, by their names.
func shareModes() map[string]inference.ShareMode {
	return map[string]inference.ShareMode{"off": inference.ShareOff, "first": inference.ShareFirst, "all": inference.ShareAll}
}

const noDrawing = "none"

// add declares the flags.
func (f *viewFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.views, "views", nil, "show the object from these sides, rendered together")
	flags.StringVar(&f.drawn, "drawn", "", "the view that the sketch shows (default: the first of --views)")
	flags.StringArrayVar(&f.drawings, "view-drawing", nil, "VIEW=FILE: your own drawing of a view, kept with the sketch; FILE 'none' forgets it")
	flags.StringArrayVar(&f.readings, "read", nil, "X,Y=READING: what a region of the sketch is, as in 'maquette views'")
	flags.StringVar(&f.share, "share", "", "what views read of each other: first, all or off (default: what fits the checkpoint)")
	flags.Float64Var(&f.strength, "share-strength", 0, "how strongly they do, 0…1 (default: what fits the checkpoint)")
	flags.Float64Var(&f.half, "share-unconditional", 0, "part of that strength for the negative prompt, 0…1 (default: what fits the checkpoint)")
	flags.IntVar(&f.tokens, "share-tokens", 0, fmt.Sprintf("share in layers of at most this many pixels; more takes more memory (default %d)", inference.DefaultShareTokens))
	flags.Float64Var(&f.noise, "share-noise", 0, "how much of their noise is the same, 0…1 (default: what fits the checkpoint)")
	flags.Float64Var(&f.warp, "warp", 0, "start the other views from the first one's image seen from their side, and replace this part of it, 0…1")
	must(cmd.RegisterFlagCompletionFunc("views", completeViews))
	must(cmd.RegisterFlagCompletionFunc("drawn", completeViews))
	must(cmd.RegisterFlagCompletionFunc("share", cobra.FixedCompletions([]string{"first", "all", "off"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("view-drawing", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if strings.Contains(typed, "=") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var list []string
		for _, n := range views.Names() {
			list = append(list, string(n)+"=")
		}
		return list, cobra.ShellCompDirectiveNoSpace
	}))
}

// completeViews completes the last of a list of views.
func completeViews(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var list []string
	for _, n := range views.Names() {
		if !slices.Contains(strings.Split(before, ","), string(n)) {
			list = append(list, before+string(n))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// apply gives the recipe the views of the flags, or changes those that it has.
// sets is the number of sets. Its errors are usage errors.
func (f *viewFlags) apply(flags *pflag.FlagSet, r *projects.Recipe, sets int) error {
	given := flags.Changed
	if given("views") {
		for i, text := range f.views {
			c, err := views.Parse(text)
			if err != nil {
				return usagef("--views: %w", err)
			}
			f.views[i] = c.Title()
		}
		if len(f.views) == 0 {
			return usagef("--views names no view")
		}
		before := r.Views
		r.Views, r.View = projects.DefaultViews(r.Checkpoint, f.views...), ""
		if before != nil { // of --like
			kept := *before
			kept.Cameras = f.views
			r.Views = &kept
		}
		r.Count = sets * len(f.views)
	}
	for _, name := range []string{"drawn", "view-drawing", "read", "share", "share-strength", "share-unconditional", "share-tokens", "share-noise", "warp"} {
		if given(name) && r.Views == nil {
			return usagef("--%s needs --views: it is for several views of one object", name)
		}
	}
	if r.Views == nil {
		return nil
	}
	if r.View != "" && given("count") && sets != 1 {
		return usagef("--count %d: the recipe is of the view %s in a set; give --views for whole sets", sets, r.View)
	}
	v := *r.Views
	r.Views = &v
	if given("drawn") {
		v.Drawn = f.drawn
	}
	if given("share") {
		mode, ok := shareModes()[f.share]
		if !ok {
			return usagef("--share %q is not first, all or off", f.share)
		}
		v.Share = mode
	}
	for name, change := range map[string]func(){
		"share-strength": func() { v.Strength = f.strength }, "share-unconditional": func() { v.Unconditional = f.half },
		"share-tokens": func() { v.MaxTokens = f.tokens }, "share-noise": func() { v.Noise = f.noise }, "warp": func() { v.Warp = f.warp },
	} {
		if given(name) {
			change()
		}
	}
	if given("read") {
		v.Readings = map[string]views.Reading{}
	}
	for _, text := range f.readings {
		place, reading, _ := strings.Cut(text, "=")
		id, err := views.ParseRegionID(place)
		if err != nil {
			return usagef("--read %s: %w", text, err)
		}
		v.Readings[id.String()] = views.Reading(reading)
	}
	if err := r.Validate(); err != nil {
		return &usageError{err}
	}
	return nil
}

// viewDrawing is a drawing of a view that a command line names; a nil image
// stands for none any more.
type viewDrawing struct {
	view string
	img  image.Image
}

// openDrawings reads the files of --view-drawing.
func (f *viewFlags) openDrawings(r projects.Recipe) ([]viewDrawing, error) {
	var list []viewDrawing
	for _, text := range f.drawings {
		view, file, ok := strings.Cut(text, "=")
		c, err := views.Parse(view)
		if !ok || file == "" || err != nil {
			return nil, usagef("--view-drawing %q is not VIEW=FILE with a view such as %s", text, r.Views.Cameras[0])
		}
		d := viewDrawing{view: c.Title()}
		if file != noDrawing {
			if d.img, err = control.OpenImage(file); err != nil {
				return nil, err
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// keepDrawings stores the drawings of views with the sketch.
func keepDrawings(ctx context.Context, p *projects.Project, sketchID string, list []viewDrawing) error {
	for _, d := range list {
		if err := p.SaveViewDrawing(ctx, sketchID, d.view, d.img); err != nil {
			return err
		}
	}
	return nil
}
