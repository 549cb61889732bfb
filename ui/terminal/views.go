package terminal

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"maquette/control"
	"maquette/control/views"
	"maquette/projects"
)

// viewEvent is the line of --json that reports one view.
type viewEvent struct {
	Event     string            `json:"event"` // "view"
	View      string            `json:"view"`
	Azimuth   float64           `json:"azimuth"` // degrees
	Elevation float64           `json:"elevation"`
	Images    map[string]string `json:"images"` // by kind: depth, normal, lines, mask
	Width     int               `json:"width"`
	Height    int               `json:"height"`
}

// regionEvent is the line of --json that reports what a part was read as.
type regionEvent struct {
	Event   string        `json:"event"` // "region"
	Region  string        `json:"region"`
	Reading views.Reading `json:"reading,omitempty"`
	Nested  int           `json:"nested"`
	Chosen  bool          `json:"chosen"`
}

// viewsFlags are the flags of the views command.
type viewsFlags struct {
	out, size, glb, obj, drawn string
	views, readings            []string
	depth                      string
	lineWidth                  float64
	ortho                      bool
}

func (s *session) viewsCommand() *cobra.Command {
	var f viewsFlags
	cmd := &cobra.Command{
		Use:   "views SKETCH -o DIR",
		Short: "Lift a sketch to other cameras",
		Long: `Makes a body of a line drawing and draws it from other cameras: depth, normals,
lines and mask of each view, to be used as control images.

Symmetric outlines with round rims become solids of revolution, outlines with
the corners of a box become boxes, other straight-edged ones are extruded, and
rounded ones inflated. --read changes that for a region: its place is given in
thousandths of the page from the upper left corner, as --json lists them.

A view is a name (` + viewNames() + `)
or an azimuth and elevation in degrees such as az30el10 or 30:10.`,
		Example: `  maquette views vase.png -o vase-views --glb vase.glb
  maquette views facade.png -o views --views front,30:15 --read 500,400=flat`,
		Args: exactly("SKETCH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.views(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "the folder for the images VIEW-KIND.png; it is made if needed")
	must(cmd.MarkFlagDirname("output"))
	flags.StringSliceVar(&f.views, "views", nil, "the views to draw (default: all named ones)")
	flags.StringVar(&f.size, "size", "512x512", "size of the images in pixels as WIDTHxHEIGHT")
	flags.StringVar(&f.glb, "glb", "", "also write the body as binary glTF to this file")
	flags.StringVar(&f.obj, "obj", "", "also write the body as Wavefront OBJ to this file")
	flags.StringArrayVar(&f.readings, "read", nil, "X,Y=READING: read the region at a place as round, flat, box, revolved or depth")
	flags.StringVar(&f.drawn, "drawn", "", "view, such as three-quarter-left or az30el10, that the sketch is drawn from (default: found from the drawing)")
	flags.StringVar(&f.depth, "depth", "", "take the relief from this depth map, near is white")
	must(cmd.MarkFlagFilename("depth", "png"))
	flags.Float64Var(&f.lineWidth, "line-width", 2, "width of lines in pixels, 1…3")
	flags.BoolVar(&f.ortho, "orthographic", false, "draw the views without perspective")
	s.jsonFlag(cmd, "print regions and images as lines of JSON")
	return cmd
}

func viewNames() string {
	var list []string
	for _, n := range views.Names() {
		list = append(list, string(n))
	}
	return strings.Join(list, ", ")
}

// views lifts a sketch and writes its views.
func (s *session) views(ctx context.Context, in string, f viewsFlags) error {
	if f.out == "" {
		return usagef("-o DIR is missing: where to write the views")
	}
	size, err := parseSize(f.size)
	if err != nil {
		return &usageError{err}
	}
	cameras, names, err := parseViews(f.views, f.ortho)
	if err != nil {
		return &usageError{err}
	}
	options, err := f.options()
	if err != nil {
		return err
	}
	var img image.Image
	if in == "-" {
		img, err = s.readImage()
	} else {
		img, err = control.OpenImage(in)
	}
	if err != nil {
		return err
	}
	relief, err := views.Lift(ctx, img, size, options)
	if err != nil {
		return fmt.Errorf("views of %s: %w", in, err)
	}
	if s.json {
		for _, p := range relief.Parts {
			s.emit(regionEvent{Event: "region", Region: p.ID.String(), Reading: p.Reading, Nested: p.Nested, Chosen: p.Told})
		}
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	for i, c := range views.FrameAll(relief.Mesh, cameras, size, views.DefaultFill) {
		made, err := views.Render(ctx, relief.Mesh, c, size, views.Style{LineWidth: f.lineWidth})
		if err != nil {
			return fmt.Errorf("view %s: %w", names[i], err)
		}
		if err := s.writeView(f.out, names[i], made); err != nil {
			return err
		}
	}
	for _, mesh := range []struct {
		file  string
		write func(io.Writer) error
	}{{f.glb, relief.Mesh.WriteGLB}, {f.obj, relief.Mesh.WriteOBJ}} {
		if mesh.file == "" {
			continue
		}
		if err := projects.WriteFile(mesh.file, mesh.write); err != nil {
			return err
		}
		if !s.json {
			fmt.Fprintln(s.Out, mesh.file)
		}
	}
	return nil
}

// writeView writes the four images of one view.
func (s *session) writeView(dir, name string, made *views.Images) error {
	event := viewEvent{Event: "view", View: name, Images: map[string]string{},
		Azimuth: made.Camera.Azimuth * 180 / math.Pi, Elevation: made.Camera.Elevation * 180 / math.Pi,
		Width: made.Mask.Rect.Dx(), Height: made.Mask.Rect.Dy()}
	for _, kind := range []struct {
		name  string
		image image.Image
	}{{"depth", made.Depth}, {"normal", made.Normal}, {"lines", made.Lines}, {"mask", made.Mask}} {
		file := filepath.Join(dir, name+"-"+kind.name+".png")
		if err := projects.WriteFile(file, func(w io.Writer) error { return png.Encode(w, kind.image) }); err != nil {
			return err
		}
		event.Images[kind.name] = file
		if !s.json {
			fmt.Fprintln(s.Out, file)
		}
	}
	if s.json {
		s.emit(event)
	}
	return nil
}

// options reads the flags that say how a drawing is lifted.
func (f *viewsFlags) options() (views.Options, error) {
	var o views.Options
	if f.lineWidth < 1 || f.lineWidth > 3 {
		return o, usagef("--line-width %g is not in 1…3 pixels", f.lineWidth)
	}
	if f.drawn != "" {
		c, err := views.Parse(f.drawn)
		if err != nil {
			return o, usagef("--drawn %w", err)
		}
		o.Drawn = &c
	}
	o.Readings = make(map[views.RegionID]views.Reading)
	for _, text := range f.readings {
		place, reading, _ := strings.Cut(text, "=")
		id, err := views.ParseRegionID(place)
		if err != nil {
			return o, usagef("--read %s: %w", text, err)
		}
		if !slices.Contains(views.Readings(), views.Reading(reading)) {
			return o, usagef("--read %s: %q is not one of %v", text, reading, views.Readings())
		}
		o.Readings[id] = views.Reading(reading)
	}
	if f.depth == "" {
		return o, nil
	}
	img, err := control.OpenImage(f.depth)
	if err != nil {
		return o, err
	}
	b := img.Bounds()
	o.Depth = image.NewGray16(image.Rectangle{Max: b.Size()})
	for y := range b.Dy() {
		for x := range b.Dx() {
			o.Depth.Set(x, y, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return o, nil
}

// parseViews reads view names and angles; none stands for all named views.
func parseViews(list []string, ortho bool) (cameras []views.Camera, names []string, err error) {
	if len(list) == 0 {
		for _, n := range views.Names() {
			list = append(list, string(n))
		}
	}
	for _, text := range list {
		c, err := views.Parse(text)
		if err != nil {
			return nil, nil, fmt.Errorf("--views: %w", err)
		}
		if ortho {
			c.Field = 0
		}
		name := strings.ReplaceAll(text, ":", "_")
		if slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("--views: %s is given twice", text)
		}
		cameras, names = append(cameras, c), append(names, name)
	}
	return cameras, names, nil
}
