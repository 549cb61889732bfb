package control

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"unsafe"

	"gocv.io/x/gocv"
)

// view is a gocv.Mat over Go memory: OpenCV reads and writes the slice itself,
// nothing is copied. The slice stays pinned until Close.
type view struct {
	gocv.Mat
	pin *runtime.Pinner
}

// pixels is Go memory that OpenCV is to work on: rows × cols elements of type
// mt, elem bytes each, without padding between rows.
type pixels struct {
	rows, cols int
	mt         gocv.MatType
	elem       int
	mem        []byte
	err        error // why the memory can't be handed over
}

// grayPixels is an 8-bit image whose rows lie close together.
func grayPixels(g *image.Gray) pixels {
	s := g.Rect.Size()
	if g.Stride != s.X {
		return pixels{err: errors.New("gray image has gaps between its rows")}
	}
	return bytePixels(g.Pix[:s.X*s.Y], s.X, s.Y)
}

// rgbaPixels is a four-channel image whose rows lie close together.
func rgbaPixels(m *image.RGBA) pixels {
	s := m.Rect.Size()
	if m.Stride != 4*s.X {
		return pixels{err: errors.New("colour image has gaps between its rows")}
	}
	return pixels{rows: s.Y, cols: s.X, mt: gocv.MatTypeCV8UC4, elem: 4, mem: m.Pix[:4*s.X*s.Y]}
}

// bytePixels is a map of w × h bytes.
func bytePixels(b []byte, w, h int) pixels {
	return pixels{rows: h, cols: w, mt: gocv.MatTypeCV8UC1, elem: 1, mem: b}
}

// floatPixels is a map of w × h values.
func floatPixels(f []float32, w, h int) pixels {
	return pixels{rows: h, cols: w, mt: gocv.MatTypeCV32FC1, elem: 4,
		mem: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))}
}

// intPixels is a map of w × h whole numbers.
func intPixels(f []int32, w, h int) pixels {
	return pixels{rows: h, cols: w, mt: gocv.MatTypeCV32SC1, elem: 4,
		mem: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))}
}

// view wraps the memory in a Mat, to be closed.
func (p pixels) view() (*view, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.rows <= 0 || p.cols <= 0 || len(p.mem) != p.rows*p.cols*p.elem {
		return nil, fmt.Errorf("image of %dx%d pixels has %d bytes, not %d", p.cols, p.rows, len(p.mem), p.rows*p.cols*p.elem)
	}
	pin := new(runtime.Pinner)
	pin.Pin(unsafe.SliceData(p.mem))
	m, err := gocv.NewMatFromBytes(p.rows, p.cols, p.mt, p.mem)
	if err != nil {
		pin.Unpin()
		return nil, fmt.Errorf("hand %dx%d pixels to OpenCV: %w", p.cols, p.rows, err)
	}
	return &view{Mat: m, pin: pin}, nil
}

// Close frees the Mat and unpins its memory.
func (v *view) Close() {
	_ = v.Mat.Close() // always nil
	v.pin.Unpin()
}

// write runs an OpenCV call that writes dst. It is an error when OpenCV gives the
// Mat memory of its own, which it does when size or type differ.
func write(dst pixels, op func(out *gocv.Mat) error) error {
	out, err := dst.view()
	if err != nil {
		return err
	}
	defer out.Close()
	if err := op(&out.Mat); err != nil {
		return err
	}
	data, err := out.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("OpenCV result: %w", err)
	}
	if unsafe.SliceData(data) != unsafe.SliceData(dst.mem) {
		return errors.New("OpenCV result has another size or type than expected")
	}
	return nil
}

// convert runs an OpenCV call that reads src and writes dst.
func convert(src, dst pixels, op func(in gocv.Mat, out *gocv.Mat) error) error {
	in, err := src.view()
	if err != nil {
		return err
	}
	defer in.Close()
	return write(dst, func(out *gocv.Mat) error { return op(in.Mat, out) })
}

// grayOp runs one OpenCV call from src to a new image of the same size.
func grayOp(src *image.Gray, op func(in gocv.Mat, out *gocv.Mat) error) (*image.Gray, error) {
	dst := image.NewGray(src.Rect)
	return dst, convert(grayPixels(src), grayPixels(dst), op)
}

// floatOp runs one OpenCV call from a float map to a new one of the same size.
func floatOp(src []float32, w, h int, op func(in gocv.Mat, out *gocv.Mat) error) ([]float32, error) {
	dst := make([]float32, w*h)
	return dst, convert(floatPixels(src, w, h), floatPixels(dst, w, h), op)
}

// scale is the OpenCV call that brings an image to another size.
func scale(to image.Point, how gocv.InterpolationFlags) func(in gocv.Mat, out *gocv.Mat) error {
	return func(in gocv.Mat, out *gocv.Mat) error {
		if err := gocv.Resize(in, out, to, 0, 0, how); err != nil {
			return fmt.Errorf("scale to %dx%d: %w", to.X, to.Y, err)
		}
		return nil
	}
}

// blurGray blurs 8-bit values with a Gaussian of standard deviation sigma.
func blurGray(src *image.Gray, sigma float64) (*image.Gray, error) {
	return grayOp(src, func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.GaussianBlur(in, out, image.Point{}, sigma, sigma, gocv.BorderReflect101)
	})
}

// blurFloat blurs a float map with a Gaussian of standard deviation sigma.
func blurFloat(src []float32, w, h int, sigma float64) ([]float32, error) {
	return floatOp(src, w, h, func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.GaussianBlur(in, out, image.Point{}, sigma, sigma, gocv.BorderReflect101)
	})
}

// toRGBA spreads gray values over an opaque colour image.
func toRGBA(g *image.Gray) (*image.RGBA, error) {
	dst := image.NewRGBA(image.Rectangle{Max: g.Rect.Size()})
	err := convert(grayPixels(g), rgbaPixels(dst), func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.CvtColor(in, out, gocv.ColorGrayToBGRA)
	})
	if err != nil {
		return nil, fmt.Errorf("spread gray over colour: %w", err)
	}
	return dst, nil
}

// grayInto reduces an opaque colour image to OpenCV's luma, into an image of the
// same size.
func grayInto(dst *image.Gray, m *image.RGBA) error {
	err := convert(rgbaPixels(m), grayPixels(dst), func(in gocv.Mat, out *gocv.Mat) error {
		return gocv.CvtColor(in, out, gocv.ColorRGBAToGray)
	})
	if err != nil {
		return fmt.Errorf("reduce colour to gray: %w", err)
	}
	return nil
}
