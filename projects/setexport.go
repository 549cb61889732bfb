package projects

import (
	"archive/zip"
	"context"
	"fmt"
	"image"
	"io"
	"maps"
	"strings"
	"time"

	"maquette/projects/internal/jsonfile"
	"maquette/projects/internal/sheet"
)

// AnimationOptions say how a set is animated; the zero value is a good choice.
type AnimationOptions struct {
	// Delay is how long each image is shown; 0 means 0.7 s for variants and 0.25 s
	// for views.
	Delay time.Duration
	// Side is the longest side in pixels; 0 means as rendered, at most 512.
	Side int
	// Plain leaves out the captions, which sets of views alone never have.
	Plain bool
	// Value, if not nil, names value i of an axis; else it is the value's Title.
	Value func(a Axis, i int) string
}

const (
	variantDelay = 700 * time.Millisecond
	viewDelay    = 250 * time.Millisecond
	maxGIFSide   = 512
)

// Animation writes the images of a set to path as an animated GIF that repeats
// for ever, in the order of their places. Errors: ErrNotFound.
func (p *Project) Animation(ctx context.Context, setID, path string, o AnimationOptions) error {
	fail := func(err error) error { return fmt.Errorf("animation: %w", err) }
	set, members, err := p.newestMembers(ctx, setID)
	if err != nil {
		return fail(err)
	}
	a := sheet.Animation{Delay: o.Delay, Side: o.Side}
	if a.Side <= 0 {
		a.Side = maxGIFSide
	}
	if a.Delay <= 0 {
		a.Delay = viewDelay
		if set.HasVariants() {
			a.Delay = variantDelay
		}
	}
	for _, c := range members {
		cell := sheet.Cell{Size: image.Pt(c.Recipe.Width, c.Recipe.Height),
			Open: func(ctx context.Context) (image.Image, error) { return p.ConceptImage(ctx, c.ID) }}
		if set.HasVariants() && !o.Plain {
			var labels []string
			for k, i := range c.Set.At {
				labels = append(labels, c.Set.Axes[k].named(i, o.Value))
			}
			cell.Caption = strings.Join(labels, " · ")
		}
		a.Cells = append(a.Cells, cell)
	}
	if err := WriteFile(path, func(w io.Writer) error { return sheet.GIF(ctx, w, a) }); err != nil {
		return fail(err)
	}
	return nil
}

// newestMembers returns a set with the newest concept of each place.
func (p *Project) newestMembers(ctx context.Context, setID string) (Set, []Concept, error) {
	set, members, err := p.Members(ctx, setID)
	if err != nil {
		return Set{}, nil, err
	}
	var list []Concept
	for i, c := range members {
		if i == 0 || c.Set.key() != members[i-1].Set.key() {
			list = append(list, c)
		}
	}
	return set, list, nil
}

// Archive writes the images of a set to path as a ZIP file, each with its recipe
// as JSON beside it, and set.json with the axes. Paths of the user's models do
// not go along, only their names. Errors: ErrNotFound.
func (p *Project) Archive(ctx context.Context, setID, path string) error {
	fail := func(err error) error { return fmt.Errorf("archive: %w", err) }
	set, members, err := p.newestMembers(ctx, setID)
	if err != nil {
		return fail(err)
	}
	err = WriteFile(path, func(w io.Writer) error {
		z := zip.NewWriter(w)
		add := func(name string, method uint16, changed time.Time, data []byte) error {
			f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: changed})
			if err != nil {
				return err
			}
			_, err = f.Write(data)
			return err
		}
		info, err := jsonfile.Encode(set)
		if err != nil {
			return err
		}
		folder := FolderName(set.Name) + "/"
		if err := add(folder+"set.json", zip.Deflate, set.Created, info); err != nil {
			return err
		}
		for _, c := range members {
			if err := ctx.Err(); err != nil {
				return err
			}
			picture, err := readFile(p.root, c.Image, maxImageFile)
			if err != nil {
				return fmt.Errorf("concept %s: %w", c.ID, err)
			}
			if picture, err = withRecipe(c, picture); err != nil {
				return fmt.Errorf("concept %s: %w", c.ID, err)
			}
			name := folder + FolderName(c.ID+" "+strings.Join(c.Set.Labels(), ", "))
			// PNG is compressed already.
			if err := add(name+".png", zip.Store, c.Created, picture); err != nil {
				return err
			}
			s := newSidecar(withoutPaths(c))
			s.Image, s.ImageSHA256 = name[len(folder):]+".png", hexHash(picture)
			data, err := jsonfile.Encode(s)
			if err != nil {
				return err
			}
			if err := add(name+".json", zip.Deflate, c.Created, data); err != nil {
				return err
			}
		}
		return z.Close()
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

// withoutPaths replaces the paths of models by their names, and leaves out the
// files of the project that don't go along.
func withoutPaths(c Concept) Concept {
	r := c.Recipe.clone()
	if r.Checkpoint != StarterCheckpoint {
		r.Checkpoint = modelName(r.Checkpoint)
	}
	for i := range r.Controls {
		if net := r.Controls[i].ControlNet; net != "" {
			r.Controls[i].ControlNet = modelName(net)
		}
	}
	for i := range r.LoRAs {
		r.LoRAs[i].Path = modelName(r.LoRAs[i].Path)
	}
	if r.VAE != "" {
		r.VAE = modelName(r.VAE)
	}
	c.Recipe, c.Sketch, c.Controls = r, "", nil
	hashes := map[string]string{}
	for path, hash := range maps.All(c.Hashes) {
		if !strings.HasPrefix(path, StarterCheckpoint) {
			path = modelName(path)
		}
		hashes[path] = hash
	}
	c.Hashes = hashes
	return c
}
