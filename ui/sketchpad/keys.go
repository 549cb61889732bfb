package sketchpad

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// HandleRune acts on a typed character and reports whether it was for the pad: b brush, e eraser, l line, r rectangle,
// o ellipse, p polygon, m and M mask and its eraser, x and X mirror left–right and top–bottom, [ and ] brush size, 0 fit, 1 one to one.
func (p *Pad) HandleRune(r rune) bool {
	switch r {
	case 'b', 'B':
		p.SetTool(ToolBrush)
	case 'e', 'E':
		p.SetTool(ToolEraser)
	case 'l', 'L':
		p.SetTool(ToolLine)
	case 'r', 'R':
		p.SetTool(ToolRectangle)
	case 'o', 'O':
		p.SetTool(ToolEllipse)
	case 'p', 'P':
		p.SetTool(ToolPolygon)
	case 'm':
		p.SetTool(ToolMask)
	case 'M':
		p.SetTool(ToolUnmask)
	case 'x':
		p.SetMirror(!p.mirrorV, p.mirrorH)
	case 'X':
		p.SetMirror(p.mirrorV, !p.mirrorH)
	case '[':
		p.resizeBrush(false)
	case ']':
		p.resizeBrush(true)
	case '0':
		p.ZoomFit()
	case '1':
		p.Zoom100()
	default:
		return false
	}
	return true
}

// HandleKey acts on a typed key and reports whether it was for the pad: Escape drops what is being drawn, Return closes
// a polygon, Backspace takes its last corner back.
func (p *Pad) HandleKey(ev *fyne.KeyEvent) bool {
	switch ev.Name {
	case fyne.KeyEscape:
		return p.Cancel()
	case fyne.KeyReturn, fyne.KeyEnter:
		if len(p.poly) == 0 {
			return false
		}
		p.closePolygon()
		return true
	case fyne.KeyBackspace:
		return p.dropCorner()
	case fyne.KeySpace:
		return true // held, it pans
	}
	return false
}

// HandleKeyDown follows keys that matter while they are held and reports whether it was one: Space pans, Shift keeps
// lines straight and shapes even. Connect it to desktop.Canvas.SetOnKeyDown.
func (p *Pad) HandleKeyDown(ev *fyne.KeyEvent) bool { return p.held(ev, true) }

// HandleKeyUp is the counterpart of HandleKeyDown.
func (p *Pad) HandleKeyUp(ev *fyne.KeyEvent) bool { return p.held(ev, false) }

// held notes that a key went down or up.
func (p *Pad) held(ev *fyne.KeyEvent, down bool) bool {
	switch ev.Name {
	case fyne.KeySpace:
		p.space = down
	case desktop.KeyShiftLeft, desktop.KeyShiftRight:
		p.shift = down
		if p.gesture.action == shaping && p.gesture.moved {
			p.shapeTo(p.gesture.last)
		} else if len(p.poly) > 0 {
			p.showPolygon()
		}
	default:
		return false
	}
	p.scene.placeCursor()
	return true
}

// resizeBrush makes the brush a step larger or smaller.
func (p *Pad) resizeBrush(larger bool) {
	b := p.Brush()
	step := 1.0
	switch {
	case b.Size >= 100 && (larger || b.Size > 100):
		step = 20
	case b.Size >= 40 && (larger || b.Size > 40):
		step = 10
	case b.Size >= 10 && (larger || b.Size > 10):
		step = 4
	}
	if !larger {
		step = -step
	}
	b.Size += step
	p.SetBrush(b)
}
