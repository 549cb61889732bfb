package sketchpad

import (
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// startDrawing begins a stroke or shape at a position of the pad.
func (p *Pad) startDrawing(pos fyne.Position) {
	g := &p.gesture
	g.pressure = 1
	switch p.tool {
	case ToolLine:
		g.kind = KindLine
	case ToolRectangle:
		g.kind = KindRectangle
	case ToolEllipse:
		g.kind = KindEllipse
	case ToolEraser:
		g.kind = KindEraser
	case ToolMask:
		g.kind = KindMask
	case ToolUnmask:
		g.kind = KindUnmask
	default:
		g.kind = KindBrush
	}
	freehand := g.kind.freehand()
	p.doc.begin(p.object(g.kind))
	if freehand && !p.shift {
		g.action = stroking
		x, y, _ := g.filter.next(float64(pos.X), float64(pos.Y), p.now())
		p.addPoint(x, y, pos)
	} else {
		g.action = shaping
		if freehand {
			x, y := p.view.ToCanvas(pos)
			g.from = quantised(x, y, 1)
		} else {
			g.from = p.snapped(pos)
		}
	}
	p.drawing(true)
	p.flush()
}

// object returns an object without points, as the present brush and mirror make it.
func (p *Pad) object(kind Kind) Object {
	b := p.Brush()
	o := Object{Kind: kind, Width: b.Size, Softness: b.Softness}
	o.Mirror = Axis{Vertical: p.mirrorV, Horizontal: p.mirrorH}
	if p.mirrorV {
		o.Mirror.X = float32(p.canvas.X) / 2
	}
	if p.mirrorH {
		o.Mirror.Y = float32(p.canvas.Y) / 2
	}
	return o
}

// extendStroke follows the pointer with a freehand stroke.
func (p *Pad) extendStroke(pos fyne.Position) {
	g := &p.gesture
	if pos == g.last {
		return
	}
	x, y, speed := g.filter.next(float64(pos.X), float64(pos.Y), p.now())
	if b := p.Brush(); b.Taper > 0 && g.kind == KindBrush {
		// A mouse has no pressure. A quick hand is a light hand.
		const quick = 2500 // units per second
		g.pressure += 0.3 * (1 - 0.75*b.Taper*math.Min(speed/quick, 1) - g.pressure)
	}
	p.addPoint(x, y, pos)
	p.flush()
}

// addPoint adds the smoothed position x,y (units) to the stroke if it is far enough from the last, and shows the stroke
// as far as the pointer at pos.
func (p *Pad) addPoint(x, y float64, pos fyne.Position) {
	g := &p.gesture
	cx, cy := p.view.ToCanvas(fyne.NewPos(float32(x), float32(y)))
	lx, ly := p.view.ToCanvas(pos)
	next, lead := bounded(cx, cy, g.pressure), bounded(lx, ly, g.pressure)
	// Nearer points would only make the curve restless.
	least := math.Max(0.75, 3/p.view.Zoom)
	var settled []Point
	if g.points == 0 || distance(next, g.newest) >= least && g.points < maxStrokePoints-4 {
		g.newest = next
		g.points++
		settled = g.settle(next)
	}
	p.doc.extend(settled, append(append(g.second.rest(), g.first.rest()...), lead)...)
}

// settle takes the next point of the stroke and returns those that will not change any more.
func (g *gesture) settle(next Point) []Point {
	var out []Point
	for _, q := range g.first.push(next) {
		out = append(out, g.second.push(q)...)
	}
	return out
}

// distance returns how far a and b are apart in canvas pixels.
func distance(a, b Point) float64 {
	return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y))
}

// endStroke leads the stroke to where the pointer was let go, which the smoothing lags behind, and keeps it.
func (p *Pad) endStroke() {
	g := &p.gesture
	x, y := p.view.ToCanvas(g.last)
	var last []Point
	if end := bounded(x, y, g.pressure); distance(end, g.newest) > 0.25 {
		last = g.settle(end)
	}
	for _, q := range g.first.rest() {
		last = append(last, g.second.push(q)...)
	}
	p.doc.extend(append(last, g.second.rest()...))
	p.keep()
}

// keep makes what is being drawn part of the document.
func (p *Pad) keep() {
	kept, err := p.doc.finish()
	if err != nil {
		p.failed(err)
	}
	if kept {
		p.committed()
		return
	}
	p.flush()
}

// shapeTo shows the shape from where it began to pos.
func (p *Pad) shapeTo(pos fyne.Position) {
	g := &p.gesture
	to := p.shapeEnd(pos)
	if !g.moved && distance(to, g.from)*p.view.Zoom < 2*p.view.Scale {
		return
	}
	g.moved = true
	p.doc.preview(g.kind, []Point{g.from, to})
	p.flush()
}

// shapeEnd returns the second point of the shape for a pointer at pos: snapped, or constrained while Shift is held.
func (p *Pad) shapeEnd(pos fyne.Position) Point {
	g := &p.gesture
	straight := g.kind.freehand()
	x, y := p.view.ToCanvas(pos)
	to := bounded(x, y, 1)
	if !straight {
		to = p.snapped(pos)
	}
	if !p.constrained() {
		return to
	}
	if g.kind == KindRectangle || g.kind == KindEllipse {
		return squared(g.from, to)
	}
	return straightened(g.from, to)
}

// squared moves b so that the box of a and b is a square.
func squared(a, b Point) Point {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	side := math.Max(math.Abs(dx), math.Abs(dy))
	return bounded(float64(a.X)+math.Copysign(side, dx), float64(a.Y)+math.Copysign(side, dy), 1)
}

// straightened moves b so that the line from a to b runs at a multiple of 45°.
func straightened(a, b Point) Point {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	angle := math.Round(math.Atan2(dy, dx)/(math.Pi/4)) * (math.Pi / 4)
	sin, cos := math.Sincos(angle)
	along := dx*cos + dy*sin
	return bounded(float64(a.X)+along*cos, float64(a.Y)+along*sin, 1)
}

// constrained reports whether Shift is held.
func (p *Pad) constrained() bool {
	if app := fyne.CurrentApp(); app != nil {
		if d, ok := app.Driver().(desktop.Driver); ok {
			return d.CurrentKeyModifiers()&fyne.KeyModifierShift != 0
		}
	}
	return p.shift
}

// endShape keeps the shape, unless the pointer hardly moved.
func (p *Pad) endShape() {
	if !p.gesture.moved {
		p.doc.cancel()
		p.flush()
		return
	}
	p.keep()
}

// clickPolygon adds a corner, or closes the polygon on a click near its first corner or a double click.
func (p *Pad) clickPolygon(pos fyne.Position) {
	at := p.snapped(pos)
	again := p.now().Sub(p.polyClick) < 350*time.Millisecond
	p.polyClick = p.now()
	if n := len(p.poly); n > 0 {
		near := func(q Point) bool { return far(p.view.ToPad(float64(q.X), float64(q.Y)), pos) < snapReach }
		if n > 2 && near(p.poly[0]) || again && near(p.poly[n-1]) {
			p.closePolygon()
			return
		}
		if near(p.poly[n-1]) {
			return
		}
		if p.constrained() {
			at = straightened(p.poly[n-1], at)
		}
	} else {
		p.doc.begin(p.object(kindOpen))
		p.drawing(true)
	}
	if len(p.poly) < maxStrokePoints {
		p.poly = append(p.poly, at)
	}
	p.showPolygon()
}

// showPolygon shows the corners so far and the edge that follows the pointer.
func (p *Pad) showPolygon() {
	next := p.snapped(p.hover)
	last := p.poly[len(p.poly)-1]
	if p.constrained() {
		next = straightened(last, next)
	}
	p.doc.preview(kindOpen, append(p.poly[:len(p.poly):len(p.poly)], next))
	p.flush()
}

// closePolygon keeps the polygon; two corners are a line, one is nothing.
func (p *Pad) closePolygon() {
	points := p.poly
	p.poly = nil
	switch len(points) {
	case 0:
		return
	case 1:
		p.doc.cancel()
		p.flush()
	case 2:
		p.doc.preview(KindLine, points)
		p.keep()
	default:
		p.doc.preview(KindPolygon, points)
		p.keep()
	}
	p.drawing(false)
	p.scene.placeCursor()
}

// dropCorner takes the last corner of the polygon back and reports whether there was a polygon.
func (p *Pad) dropCorner() bool {
	switch len(p.poly) {
	case 0:
		return false
	case 1:
		return p.Cancel()
	}
	p.poly = p.poly[:len(p.poly)-1]
	p.showPolygon()
	return true
}

// Cancel drops the stroke, shape or polygon being drawn and reports whether there was one.
func (p *Pad) Cancel() bool {
	was := p.gesture.action == stroking || p.gesture.action == shaping || len(p.poly) > 0
	if !was {
		return false
	}
	p.gesture, p.poly = gesture{}, nil
	p.doc.cancel()
	p.flush()
	p.scene.placeCursor()
	p.drawing(false)
	return true
}
