package terminal

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maquette/control"
	"maquette/projects"
)

// controlEvent is the line of --json that reports a control image.
type controlEvent struct {
	Event   string         `json:"event"` // "control"
	Kind    control.Kind   `json:"kind"`
	Image   string         `json:"image"`
	Output  string         `json:"output"`
	Width   int            `json:"width"`
	Height  int            `json:"height"`
	Params  control.Params `json:"params"`
	Seconds float64        `json:"seconds"`
}

func (s *session) controlCommand() *cobra.Command {
	var subs []*cobra.Command
	for _, e := range control.Extractors() {
		subs = append(subs, s.controlKindCommand(e))
	}
	return group("control KIND", "Make the control image of a sketch",
		`Makes what a ControlNet sees of a drawing or photo: its lines, edges or depth.
Every kind is a command with parameters of its own; 'maquette control KIND
--help' explains them. Dark lines on light ground, light on dark and
transparent drawings all give the same control image.`, subs...)
}

func (s *session) controlKindCommand(e control.Extractor) *cobra.Command {
	var out, size string
	kind := string(e.Kind())
	values := control.Params{}
	cmd := &cobra.Command{
		Use:   kind + " IMAGE -o OUT.png",
		Short: e.Label(),
		Long: e.Help() + `

IMAGE is a PNG, JPEG, WebP, TIFF, BMP or GIF file, or - for standard input.`,
		Example: fmt.Sprintf(`  maquette control %[1]s chair.png -o chair-%[1]s.png
  maquette control %[1]s photo.jpg --size 768x512 -o - | display`, kind),
		Args: exactly("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.control(cmd.Context(), e, args[0], out, size, values)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&out, "output", "o", "", "the PNG file to write, or - for standard output")
	must(cmd.MarkFlagFilename("output", "png"))
	flags.StringVar(&size, "size", "", "size of the control image in pixels as WIDTHxHEIGHT (default: that of IMAGE)")
	for _, p := range e.Params() {
		addParamFlag(flags, p, values)
	}
	s.jsonFlag(cmd, "print what was made as a line of JSON")
	return cmd
}

// addParamFlag adds the flag of a kind's parameter; given values land in values.
func addParamFlag(flags *pflag.FlagSet, p control.Param, values control.Params) {
	flag := &paramFlag{param: p, values: values}
	added := flags.VarPF(flag, p.Name, "", paramHelp(p))
	if p.Type == control.Bool {
		added.NoOptDefVal = "true"
	}
}

// paramHelp describes a parameter with its range.
func paramHelp(p control.Param) string {
	text := strings.TrimSuffix(p.Help, ".")
	if text == "" {
		text = p.Label
	}
	if p.Type == control.Bool {
		return text
	}
	return fmt.Sprintf("%s, %s…%s", text, number(p.Min), number(p.Max))
}

// paramFlag is the flag of a control kind's parameter.
type paramFlag struct {
	param  control.Param
	values control.Params
}

// String returns the value for help texts.
func (f *paramFlag) String() string {
	v, given := f.values[f.param.Name]
	if !given {
		v = f.param.Default
	}
	if f.param.Type == control.Bool {
		return fmt.Sprint(v != 0)
	}
	return number(v)
}

// Set reads the value from the command line.
func (f *paramFlag) Set(text string) error {
	v, err := parseParam(f.param, text)
	if err != nil {
		return err
	}
	f.values[f.param.Name] = v
	return nil
}

// Type names the type for help texts.
func (f *paramFlag) Type() string {
	switch f.param.Type {
	case control.Int:
		return "int"
	case control.Bool:
		return "bool"
	default:
		return "float"
	}
}

// control makes one control image and writes it to the file out.
func (s *session) control(ctx context.Context, e control.Extractor, in, out, sizeText string, values control.Params) error {
	switch {
	case out == "":
		return usagef("-o OUT.png is missing: where to write the control image")
	case out == "-" && s.json:
		return usagef("--json and -o - both want standard output; write the image to a file")
	case out != "-" && !strings.EqualFold(filepath.Ext(out), ".png"):
		return usagef("-o %s: control images are PNG files; let the name end in .png", out)
	}
	var img image.Image
	var err error
	if in == "-" {
		img, err = s.readImage()
	} else {
		img, err = control.OpenImage(in)
	}
	if err != nil {
		return err
	}
	size := fitControl(img.Bounds().Size())
	if sizeText != "" {
		if size, err = parseSize(sizeText); err != nil {
			return &usageError{err}
		}
		if min(size.X, size.Y) < control.MinSide || max(size.X, size.Y) > control.MaxSide {
			return usagef("--size %s: a side is not in %d…%d pixels", sizeText, control.MinSide, control.MaxSide)
		}
	} else if size != img.Bounds().Size() {
		s.note("%s is %d×%d pixels; its control image is %d×%d", in, img.Bounds().Dx(), img.Bounds().Dy(), size.X, size.Y)
	}
	if e, err = s.withModels(e.Kind()); err != nil {
		return err
	}
	begin := time.Now()
	made, err := e.Extract(ctx, img, size, values)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err) // err begins with the kind
	}
	seconds := time.Since(begin).Seconds()
	encode := func(w io.Writer) error { return png.Encode(w, made) }
	if out == "-" {
		return encode(s.Out)
	}
	if err := projects.WriteFile(out, encode); err != nil {
		return err
	}
	if s.json {
		params := control.Params{}
		for _, p := range e.Params() {
			params[p.Name] = p.Default
			if v, given := values[p.Name]; given {
				params[p.Name] = v
			}
		}
		s.emit(controlEvent{
			Event: "control", Kind: e.Kind(), Image: in, Output: out,
			Width: size.X, Height: size.Y, Params: params, Seconds: seconds,
		})
		return nil
	}
	fmt.Fprintln(s.Out, out)
	return nil
}

// withModels returns the extractor of a kind with the models that the model
// library holds for it.
func (s *session) withModels(k control.Kind) (control.Extractor, error) {
	if k != control.Depth && k != control.Normal {
		return control.For(k) // the others need no library
	}
	log, err := s.logger(noLogging)
	if err != nil {
		return nil, err
	}
	library, err := s.NewLibrary(s.settings(), log)
	if err != nil {
		return nil, err
	}
	return control.For(k, projects.ControlOptions(library)...)
}

// fitControl returns the size nearest to size, of its shape, that a control image can have.
func fitControl(size image.Point) image.Point {
	if size.X < 1 || size.Y < 1 {
		return image.Pt(control.MinSide, control.MinSide)
	}
	scale := 1.0
	if long := max(size.X, size.Y); long > control.MaxSide {
		scale = control.MaxSide / float64(long)
	} else if short := min(size.X, size.Y); short < control.MinSide {
		scale = control.MinSide / float64(short)
	}
	side := func(v int) int {
		return min(max(int(float64(v)*scale+0.5), control.MinSide), control.MaxSide)
	}
	return image.Pt(side(size.X), side(size.Y))
}
