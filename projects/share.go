package projects

import (
	"context"
	"fmt"
	"image"
	"sync"

	"maquette/control"
)

// sharedInputs keeps the sketch and the control images of a set between its
// jobs: every member of a set must see exactly the same ones, and making them
// once is quicker. They are kept for one set at a time.
type sharedInputs struct {
	mu       sync.Mutex
	set      string // ID
	file     string
	sketch   image.Image
	controls map[string]*image.RGBA
}

// maxShared bounds the control images that are kept; a matrix over sizes or
// kinds has more.
const maxShared = 16

// input reads the sketch of a job.
func (s *sharedInputs) input(ctx context.Context, p *Project, j *Job) (image.Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := ""
	if j.Set != nil {
		set = j.Set.ID
	}
	if set == "" || set != s.set || j.Sketch != s.file {
		s.set, s.file, s.sketch, s.controls = "", "", nil, nil
	}
	if s.sketch != nil || j.Sketch == "" {
		return s.sketch, nil
	}
	sketch, err := p.File(ctx, j.Sketch)
	if err != nil || set == "" {
		return sketch, err
	}
	s.set, s.file, s.sketch, s.controls = set, j.Sketch, sketch, map[string]*image.RGBA{}
	return sketch, nil
}

// control makes a control image with extract, or returns the one that the
// set's job before made. The image must not be written to.
func (s *sharedInputs) control(ctx context.Context, extract extractFunc, kind control.Kind, sketch image.Image, size image.Point, params control.Params) (*image.RGBA, error) {
	s.mu.Lock()
	shared := s.sketch != nil && s.sketch == sketch
	key := fmt.Sprint(kind, size, params) // fmt sorts the keys of maps
	img := s.controls[key]
	s.mu.Unlock()
	if shared && img != nil {
		return img, nil
	}
	img, err := extract(ctx, kind, sketch, size, params)
	if err != nil || !shared {
		return img, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sketch == sketch && len(s.controls) < maxShared {
		s.controls[key] = img
	}
	return img, nil
}
