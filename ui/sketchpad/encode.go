package sketchpad

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
)

// formatVersion is the newest version of the JSON form. A drawing with a mask has it, which versions of the app that know
// no masks would refuse; others have plainVersion, which those read too.
const formatVersion, plainVersion = 2, 1

// ErrNewerVersion is returned by ParseDocument for a document written by a newer version of the app.
var ErrNewerVersion = errors.New("the drawing was saved by a newer version of Maquette")

// fileDocument is the JSON form of a document.
type fileDocument struct {
	Version  int           `json:"version"`
	Width    int           `json:"width"`
	Height   int           `json:"height"`
	Objects  fileObjects   `json:"objects"`
	Underlay *fileUnderlay `json:"underlay,omitempty"`
}

// fileUnderlay is the JSON form of an underlay; PNG is base64 in the text.
type fileUnderlay struct {
	PNG     []byte  `json:"png"`
	Opacity float64 `json:"opacity"`
}

// fileObject is the JSON form of an object.
type fileObject struct {
	Kind     Kind        `json:"kind"`
	Width    float64     `json:"width,omitempty"`
	Softness float64     `json:"softness,omitempty"`
	Points   fileNumbers `json:"points"`             // x, y, x, y, … in canvas pixels
	Pressure fileNumbers `json:"pressure,omitempty"` // one per point; left out where all are 1
	Mirror   *fileAxis   `json:"mirror,omitempty"`
	PNG      []byte      `json:"png,omitempty"`
}

// fileAxis is the JSON form of an Axis: the lines x = X and y = Y, each left out where nothing is mirrored about it.
type fileAxis struct {
	X *float32 `json:"x,omitempty"`
	Y *float32 `json:"y,omitempty"`
}

// fileObjects and fileNumbers read at most as many elements as a document may hold, so that a few megabytes of text
// cannot become gigabytes of memory.
type (
	fileObjects []fileObject
	fileNumbers []float32
)

// MarshalJSON encodes the document: version, canvas size, objects and underlay. ParseDocument reads it back; what was
// read back rasterises to exactly the same pixels. It takes time in proportion to the drawing; call it off the window's
// goroutine.
func (d *Document) MarshalJSON() ([]byte, error) {
	d.mu.Lock()
	s := d.state
	d.mu.Unlock()
	version := plainVersion
	if s.drawn() < len(s.objects) {
		version = formatVersion
	}
	f := fileDocument{Version: version, Width: s.size.X, Height: s.size.Y, Objects: make(fileObjects, len(s.objects))}
	for i, o := range s.objects {
		f.Objects[i] = o.file()
	}
	if s.underlay != nil {
		f.Underlay = &fileUnderlay{PNG: s.underlay.encoded, Opacity: s.opacity}
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("sketchpad: encoding the drawing: %w", err)
	}
	return text, nil
}

// file returns the JSON form of the object.
func (o *Object) file() fileObject {
	f := fileObject{Kind: o.Kind, Width: o.Width, Softness: o.Softness, Points: make(fileNumbers, 0, 2*len(o.Points))}
	full := true
	for _, p := range o.Points {
		f.Points = append(f.Points, p.X, p.Y)
		full = full && p.Pressure == 1
	}
	if !full {
		for _, p := range o.Points {
			f.Pressure = append(f.Pressure, p.Pressure)
		}
	}
	if m := o.Mirror; m.copies() > 0 {
		f.Mirror = &fileAxis{}
		if m.Vertical {
			f.Mirror.X = &m.X
		}
		if m.Horizontal {
			f.Mirror.Y = &m.Y
		}
	}
	if o.Image != nil {
		f.PNG = o.Image.encoded
	}
	return f
}

// ParseDocument reads a document that MarshalJSON wrote. A text that is not a document, or is beyond the limits of one,
// gives an error that says what is wrong; ErrNewerVersion if only a newer version of the app can read it. Time and
// memory are bounded for any text.
func ParseDocument(text []byte) (*Document, error) {
	if len(text) > maxDocumentBytes {
		return nil, fmt.Errorf("sketchpad: the drawing has %d MB, at most %d are allowed", len(text)>>20, maxDocumentBytes>>20)
	}
	// A list of numbers takes far more memory than its text; numbers are counted by their commas.
	if n := bytes.Count(text, []byte(",")); n > 3*maxPoints+10*maxObjects {
		return nil, fmt.Errorf("sketchpad: the drawing has more than %d points", maxPoints)
	}
	var f fileDocument
	err := json.Unmarshal(text, &f)
	if err != nil {
		// A newer form may differ in anything but the version.
		var head struct {
			Version int `json:"version"`
		}
		_ = json.Unmarshal(text, &head) // err already says what is wrong
		f.Version = head.Version
	}
	switch {
	case f.Version > formatVersion:
		return nil, fmt.Errorf("sketchpad: %w (format %d, this one reads %d)", ErrNewerVersion, f.Version, formatVersion)
	case err != nil:
		return nil, fmt.Errorf("sketchpad: reading the drawing: %w", err)
	case f.Version < 1:
		return nil, errors.New("sketchpad: this is not a drawing: it has no version")
	}
	size := image.Pt(f.Width, f.Height)
	if clampSize(size) != size {
		return nil, fmt.Errorf("sketchpad: the canvas is %d×%d pixels, each side must be %d to %d",
			f.Width, f.Height, MinCanvasSide, MaxCanvasSide)
	}
	s := state{size: size, opacity: 1, objects: make([]*Object, len(f.Objects))}
	pixels := 0
	for i := range f.Objects {
		o, err := f.Objects[i].object(&pixels)
		if err != nil {
			return nil, fmt.Errorf("sketchpad: object %d of the drawing: %w", i, err)
		}
		s.objects[i] = o
	}
	s.weight = s.weight.with(s.objects...)
	if err := s.weight.check(); err != nil {
		return nil, fmt.Errorf("sketchpad: %w", err)
	}
	if u := f.Underlay; u != nil {
		p, err := parsePicture(u.PNG)
		if err != nil {
			return nil, fmt.Errorf("sketchpad: the underlay of the drawing: %w", err)
		}
		s.underlay, s.opacity = p, clamp(u.Opacity, 0, 1)
	}
	return newDocument(s), nil
}

// object checks the JSON form and returns the object. pixels counts the pixels of all pictures so far.
func (f *fileObject) object(pixels *int) (*Object, error) {
	o := &Object{Kind: f.Kind, Width: f.Width, Softness: f.Softness}
	if len(f.Points)%2 != 0 {
		return nil, errors.New("it has an x without a y")
	}
	n := len(f.Points) / 2
	if len(f.Pressure) != 0 && len(f.Pressure) != n {
		return nil, fmt.Errorf("it has %d points but %d pressures", n, len(f.Pressure))
	}
	o.Points = make([]Point, n)
	for i := range o.Points {
		o.Points[i] = Point{f.Points[2*i], f.Points[2*i+1], 1}
		if len(f.Pressure) != 0 {
			o.Points[i].Pressure = f.Pressure[i]
		}
	}
	if m := f.Mirror; m != nil {
		if m.X != nil {
			o.Mirror.Vertical, o.Mirror.X = true, *m.X
		}
		if m.Y != nil {
			o.Mirror.Horizontal, o.Mirror.Y = true, *m.Y
		}
	}
	if f.Kind == KindImage {
		cfg, err := pictureSize(f.PNG)
		if err != nil {
			return nil, err
		}
		// Checked before decoding: many small files can hold a great many pixels.
		if *pixels += cfg.X * cfg.Y; *pixels > maxPicturePixels {
			return nil, fmt.Errorf("the pasted images have more than %d megapixels together", maxPicturePixels>>20)
		}
		if o.Image, err = parsePicture(f.PNG); err != nil {
			return nil, err
		}
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.computeBox()
	return o, nil
}

// UnmarshalJSON reads at most maxObjects objects.
func (l *fileObjects) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return errors.New("the objects are not a list")
	}
	for dec.More() {
		if len(*l) == maxObjects {
			return fmt.Errorf("it has more than %d objects", maxObjects)
		}
		var o fileObject
		if err := dec.Decode(&o); err != nil {
			return fmt.Errorf("object %d: %w", len(*l), err)
		}
		*l = append(*l, o)
	}
	return nil
}

// UnmarshalJSON reads at most as many numbers as one object may have.
func (l *fileNumbers) UnmarshalJSON(text []byte) error {
	if n := bytes.Count(text, []byte(",")) + 1; n > 2*maxStrokePoints {
		return fmt.Errorf("it has %d numbers, at most %d are allowed", n, 2*maxStrokePoints)
	}
	var numbers []float32
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	*l = numbers
	return nil
}
