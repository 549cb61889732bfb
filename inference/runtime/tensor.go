package runtime

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// Tensor is a value that a session reads or writes. Its memory belongs to Go
// and is shared with ONNX Runtime, so an output feeds another session without
// a copy. Tensors can be made once a Runtime is open. Close them when they
// aren't needed any more.
type Tensor struct {
	value ort.Value
	// home takes the value of a session's output back, by the hash of the run's
	// input shapes and the output's number; nil for other tensors.
	home   *pool
	shapes uint64
	output int
}

// NewFloat32 makes a float32 tensor on data, which is used, not copied.
func NewFloat32(shape []int64, data []float32) (*Tensor, error) { return newTensor(shape, data) }

// NewInt64 makes an int64 tensor on data, which is used, not copied.
func NewInt64(shape []int64, data []int64) (*Tensor, error) { return newTensor(shape, data) }

// NewBool makes a bool tensor of one element.
func NewBool(v bool) (*Tensor, error) { return newTensor([]int64{1}, []bool{v}) }

// Zero is the tensor [1,1,1,1] that stands for a residual that isn't there.
func Zero() (*Tensor, error) { return NewFloat32([]int64{1, 1, 1, 1}, []float32{0}) }

func newTensor[T float32 | int64 | bool](shape []int64, data []T) (*Tensor, error) {
	count := int64(1)
	for _, d := range shape {
		if d <= 0 || d > 1<<40/count {
			return nil, fmt.Errorf("a tensor of shape %v can't be made", shape)
		}
		count *= d
	}
	if len(shape) == 0 || int64(len(data)) != count {
		return nil, fmt.Errorf("a tensor of shape %v needs %d elements, not %d", shape, count, len(data))
	}
	v, err := ort.NewTensor(ort.NewShape(shape...), data)
	if err != nil {
		return nil, fmt.Errorf("making a tensor of shape %v: %w", shape, err)
	}
	return &Tensor{value: v}, nil
}

// Shape is the tensor's shape.
func (t *Tensor) Shape() []int64 { return t.value.GetShape() }

// Float32 is the tensor's memory, or nil if it holds another type. It is valid
// until Close, and changes to it are seen by the sessions that read the tensor.
func (t *Tensor) Float32() []float32 {
	if f, ok := t.value.(*ort.Tensor[float32]); ok {
		return f.GetData()
	}
	return nil
}

// Int64 is the tensor's memory, or nil if it holds another type.
func (t *Tensor) Int64() []int64 {
	if i, ok := t.value.(*ort.Tensor[int64]); ok {
		return i.GetData()
	}
	return nil
}

// Bool is the tensor's memory, or nil if it holds another type.
func (t *Tensor) Bool() []bool {
	if b, ok := t.value.(*ort.Tensor[bool]); ok {
		return b.GetData()
	}
	return nil
}

// Close frees the tensor. Closing nil or twice does nothing.
func (t *Tensor) Close() error {
	if t == nil || t.value == nil {
		return nil
	}
	v := t.value
	t.value = nil
	if t.home != nil {
		return t.home.give(t.shapes, t.output, v)
	}
	return v.Destroy()
}

// CloseAll closes every tensor of a Run's outputs.
func CloseAll(tensors map[string]*Tensor) {
	for _, t := range tensors {
		t.Close()
	}
}
