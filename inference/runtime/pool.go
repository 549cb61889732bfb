package runtime

import (
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// pool keeps the outputs of a session that were closed, so that the next run on
// inputs of the same shapes writes into them. Without it ONNX Runtime allocates
// outputs whose shapes it works out, and the binding copies them.
type pool struct {
	mu     sync.Mutex
	shapes uint64              // what the inputs' shapes hash to
	free   map[int][]ort.Value // by output
	closed bool
}

// spare bounds what is kept of an output: as many as runs that overlap.
const spare = 2

// take gives an output of an earlier run on inputs of these shapes, or nil.
func (p *pool) take(shapes uint64, output int) ort.Value {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.free[output]
	if p.shapes != shapes || len(list) == 0 {
		return nil
	}
	v := list[len(list)-1]
	p.free[output] = list[:len(list)-1]
	return v
}

// give keeps an output, or frees it.
func (p *pool) give(shapes uint64, output int, v ort.Value) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return v.Destroy()
	}
	if p.shapes != shapes {
		p.empty()
		p.shapes = shapes
	}
	if len(p.free[output]) >= spare {
		return v.Destroy()
	}
	if p.free == nil {
		p.free = map[int][]ort.Value{}
	}
	p.free[output] = append(p.free[output], v)
	return nil
}

func (p *pool) empty() {
	for i, list := range p.free {
		for _, v := range list {
			// It is Go's memory that is freed; there is nothing to be done about an error.
			_ = v.Destroy()
		}
		p.free[i] = list[:0]
	}
}

// close frees all; what is given back later is freed at once.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.empty()
	p.closed = true
}

// hashShapes is FNV-1a over the dimensions of values.
func hashShapes(values []ort.Value) uint64 {
	h := uint64(14695981039346656037)
	mix := func(d uint64) { h = (h ^ d) * 1099511628211 }
	for _, v := range values {
		shape := v.GetShape()
		mix(uint64(len(shape)))
		for _, d := range shape {
			mix(uint64(d))
		}
	}
	return h
}
