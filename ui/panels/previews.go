package panels

import (
	"image"

	"fyne.io/fyne/v2"
	"github.com/disintegration/imaging"
	lru "github.com/hashicorp/golang-lru/v2"

	"maquette/control"
)

const (
	previewPixels = 2 * previewSide // a side; enough for screens of twice the density
	maxPreviews   = 400
)

// previews reads the pictures that lie beside models, in the background and
// reduced. All methods belong to the UI goroutine.
type previews struct {
	read    func(path string) (image.Image, error)
	do      func(func()) // runs a function on the UI goroutine
	known   *lru.Cache[string, image.Image]
	waiting map[string][]func()
	turn    chan struct{} // held by who reads: model folders may lie on slow disks
}

func newPreviews() *previews {
	known, err := lru.New[string, image.Image](maxPreviews)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &previews{read: control.OpenImage, do: fyne.Do, known: known, waiting: map[string][]func(){}, turn: make(chan struct{}, 1)}
}

// get returns a picture, or nil: then changed is called once it has been read.
// There is none for an empty path and for one that can't be read.
func (p *previews) get(path string, changed func()) image.Image {
	if path == "" {
		return nil
	}
	if img, ok := p.known.Get(path); ok {
		return img // nil where it can't be read
	}
	reading := len(p.waiting[path]) > 0
	p.waiting[path] = append(p.waiting[path], changed)
	if reading {
		return nil
	}
	go func() {
		p.turn <- struct{}{}
		img, err := p.read(path)
		if err == nil {
			img = imaging.Fit(img, previewPixels, previewPixels, imaging.Box)
		} else {
			img = nil
		}
		<-p.turn
		p.do(func() {
			p.known.Add(path, img)
			for _, changed := range p.waiting[path] {
				changed()
			}
			delete(p.waiting, path)
		})
	}()
	return nil
}
