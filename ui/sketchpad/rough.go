package sketchpad

import (
	"image"
	"time"
)

const (
	// roughFrom is the number of screen pixels from which a change of the magnification is shown roughly at first:
	// making more of them anew for every notch of the wheel would take longer than a frame.
	roughFrom = 3 << 19
	// roughSide is the side, in screen pixels, of the squares that a rough tile shows. It divides screenTile.
	roughSide = 4
	// roughPause is how long the magnification must rest before the tiles are made fine.
	roughPause = 80 * time.Millisecond
	// finePixels is about how many screen pixels are made fine between two frames.
	finePixels = 1 << 19
)

// roughen makes the tiles that have just been assigned rough if they are many.
func (s *screen) roughen(assigned []*tile) {
	total := 0
	for _, t := range assigned {
		total += t.pix.Rect.Dx() * t.pix.Rect.Dy()
	}
	if total < roughFrom {
		return
	}
	for _, t := range assigned {
		size := t.pix.Rect.Size().Add(image.Pt(roughSide-1, roughSide-1)).Div(roughSide)
		if t.rough == nil || t.rough.Rect.Size() != size {
			t.rough = image.NewRGBA(image.Rectangle{Max: size})
		}
		t.isRough = true
	}
	s.fineLater(roughPause)
}

// glimpse returns what is to be made anew for the tile, and the share of the magnification at which to make it.
func (t *tile) glimpse() (glimpse, float64) {
	if t.isRough {
		return glimpse{dst: t.rough, part: t.rough.Rect, origin: t.at.Mul(screenTile / roughSide)}, 1. / roughSide
	}
	return glimpse{dst: t.pix, part: t.dirty, origin: t.at.Mul(screenTile)}, 1
}

// fine makes the next upload of the tile show all screen pixels.
func (t *tile) fine() {
	if t.isRough {
		t.isRough, t.dirty = false, t.pix.Rect
	}
}

// fineLater makes the rough tiles fine after a pause. A later call begins the pause anew.
func (s *screen) fineLater(pause time.Duration) {
	s.turn++
	turn := s.turn
	s.pad.after(pause, func() {
		s.pad.do(func() {
			if s.turn == turn {
				s.fineSome()
			}
		})
	})
}

// fineSome makes as many tiles fine as fit between two frames, and then goes on with the others.
func (s *screen) fineSome() {
	left := finePixels
	for _, t := range s.shown {
		if !t.isRough {
			continue
		}
		if left <= 0 {
			s.fineLater(time.Millisecond)
			return
		}
		left -= t.pix.Rect.Dx() * t.pix.Rect.Dy()
		t.fine()
		t.refresh()
	}
}
