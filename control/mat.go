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
	pin  *runtime.Pinner
	step int
}

// viewBytes wraps pixels of rows × cols elements of type mt. The slice must
// hold exactly that many bytes, without padding between rows.
func viewBytes(rows, cols int, mt gocv.MatType, elem int, pix []byte) (*view, error) {
	if rows <= 0 || cols <= 0 || len(pix) != rows*cols*elem {
		return nil, fmt.Errorf("image of %dx%d pixels has %d bytes, not %d", cols, rows, len(pix), rows*cols*elem)
	}
	pin := new(runtime.Pinner)
	pin.Pin(unsafe.SliceData(pix))
	m, err := gocv.NewMatFromBytes(rows, cols, mt, pix)
	if err != nil {
		pin.Unpin()
		return nil, fmt.Errorf("hand %dx%d pixels to OpenCV: %w", cols, rows, err)
	}
	return &view{Mat: m, pin: pin, step: cols * elem}, nil
}

// viewGray wraps an 8-bit image whose rows lie close together.
func viewGray(g *image.Gray) (*view, error) {
	s := g.Rect.Size()
	if g.Stride != s.X {
		return nil, errors.New("gray image has gaps between its rows")
	}
	return viewBytes(s.Y, s.X, gocv.MatTypeCV8UC1, 1, g.Pix[:s.X*s.Y])
}

// viewRGBA wraps a four-channel image whose rows lie close together.
func viewRGBA(m *image.RGBA) (*view, error) {
	s := m.Rect.Size()
	if m.Stride != 4*s.X {
		return nil, errors.New("colour image has gaps between its rows")
	}
	return viewBytes(s.Y, s.X, gocv.MatTypeCV8UC4, 4, m.Pix[:4*s.X*s.Y])
}

// viewFloat wraps a float32 map of w × h values.
func viewFloat(f []float32, w, h int) (*view, error) {
	if len(f) != w*h || len(f) == 0 {
		return nil, fmt.Errorf("map of %dx%d values holds %d", w, h, len(f))
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
	return viewBytes(h, w, gocv.MatTypeCV32FC1, 4, b)
}

// viewInt wraps an int32 map of w × h values.
func viewInt(f []int32, w, h int) (*view, error) {
	if len(f) != w*h || len(f) == 0 {
		return nil, fmt.Errorf("map of %dx%d values holds %d", w, h, len(f))
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
	return viewBytes(h, w, gocv.MatTypeCV32SC1, 4, b)
}

// Close frees the Mat and unpins its memory.
func (v *view) Close() {
	_ = v.Mat.Close() // always nil
	v.pin.Unpin()
}

// filled reports an error when OpenCV gave the Mat memory of its own instead
// of writing to the wrapped slice, which it does when size or type differ.
func (v *view) filled(p unsafe.Pointer) error {
	data, err := v.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("OpenCV result: %w", err)
	}
	if unsafe.Pointer(unsafe.SliceData(data)) != p {
		return errors.New("OpenCV result has another size or type than expected")
	}
	return nil
}

// grayOp runs one OpenCV call from src to a new image of the same size.
func grayOp(src *image.Gray, op func(in gocv.Mat, out *gocv.Mat) error) (*image.Gray, error) {
	return grayTo(src, src.Rect, op)
}

// grayTo runs one OpenCV call from src to a new image with the given bounds.
func grayTo(src *image.Gray, bounds image.Rectangle, op func(in gocv.Mat, out *gocv.Mat) error) (*image.Gray, error) {
	dst := image.NewGray(bounds)
	in, err := viewGray(src)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := viewGray(dst)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := op(in.Mat, &out.Mat); err != nil {
		return nil, err
	}
	return dst, out.filled(unsafe.Pointer(unsafe.SliceData(dst.Pix)))
}

// floatOp runs one OpenCV call from a float map to a new one of the same size.
func floatOp(src []float32, w, h int, op func(in gocv.Mat, out *gocv.Mat) error) ([]float32, error) {
	dst := make([]float32, w*h)
	in, err := viewFloat(src, w, h)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := viewFloat(dst, w, h)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := op(in.Mat, &out.Mat); err != nil {
		return nil, err
	}
	return dst, out.filled(unsafe.Pointer(unsafe.SliceData(dst)))
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
	in, err := viewGray(g)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := viewRGBA(dst)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := gocv.CvtColor(in.Mat, &out.Mat, gocv.ColorGrayToBGRA); err != nil {
		return nil, fmt.Errorf("spread gray over colour: %w", err)
	}
	return dst, out.filled(unsafe.Pointer(unsafe.SliceData(dst.Pix)))
}

// grayInto reduces an opaque colour image to OpenCV's luma, into an image of the
// same size.
func grayInto(dst *image.Gray, m *image.RGBA) error {
	in, err := viewRGBA(m)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := viewGray(dst)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := gocv.CvtColor(in.Mat, &out.Mat, gocv.ColorRGBAToGray); err != nil {
		return fmt.Errorf("reduce colour to gray: %w", err)
	}
	return out.filled(unsafe.Pointer(unsafe.SliceData(dst.Pix)))
}
