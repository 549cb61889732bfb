package control

import (
	"context"
	"image"
	"image/color"
	"testing"

	"gocv.io/x/gocv"
)

// benchSketch is a drawing as the sketchpad hands it over: opaque RGBA.
func benchSketch(side int) *image.RGBA {
	return vase(side, side, float64(side)/200).on(color.White, color.Black)
}

func benchKind(b *testing.B, k Kind, src image.Image, side int) {
	e, err := For(k)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Extract(context.Background(), src, image.Pt(side, side), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCanny1024 is the whole way from an RGBA sketch to an RGBA control
// image. Compare with BenchmarkOpenCVCanny1024Bare: at most 1.3 times that.
func BenchmarkCanny1024(b *testing.B) { benchKind(b, Canny, benchSketch(1024), 1024) }

// BenchmarkOpenCVCanny1024Bare is OpenCV's call alone, on the same pixels as
// they come (four channels), into a matrix that is ready.
func BenchmarkOpenCVCanny1024Bare(b *testing.B) {
	in, err := rgbaPixels(benchSketch(1024)).view()
	if err != nil {
		b.Fatal(err)
	}
	benchBare(b, in)
}

// BenchmarkOpenCVCanny1024BareGray is the same on one channel: what remains
// when reading and writing colour images is left out altogether.
func BenchmarkOpenCVCanny1024BareGray(b *testing.B) {
	in, err := grayPixels(grayOf(benchSketch(1024))).view()
	if err != nil {
		b.Fatal(err)
	}
	benchBare(b, in)
}

func benchBare(b *testing.B, in *view) {
	defer in.Close()
	out := gocv.NewMatWithSize(1024, 1024, gocv.MatTypeCV8UC1)
	defer out.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := gocv.Canny(in.Mat, &out, 100, 200); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanny1024Gray(b *testing.B)   { benchKind(b, Canny, grayOf(benchSketch(1024)), 1024) }
func BenchmarkCannyShrink2048(b *testing.B) { benchKind(b, Canny, benchSketch(2048), 512) }
func BenchmarkLineart512(b *testing.B)      { benchKind(b, Lineart, benchSketch(512), 512) }
func BenchmarkScribble512(b *testing.B)     { benchKind(b, Scribble, benchSketch(512), 512) }
func BenchmarkSoftEdge512(b *testing.B)     { benchKind(b, SoftEdge, benchSketch(512), 512) }
func BenchmarkStraight512(b *testing.B)     { benchKind(b, Straight, benchSketch(512), 512) }
func BenchmarkDepth512(b *testing.B)        { benchKind(b, Depth, benchSketch(512), 512) }
func BenchmarkNormal512(b *testing.B)       { benchKind(b, Normal, benchSketch(512), 512) }

// BenchmarkSurvey2048 is the detection of ground, polarity and kind of source.
func BenchmarkSurvey2048(b *testing.B) {
	src := benchSketch(2048)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := surveySource(context.Background(), src); err != nil {
			b.Fatal(err)
		}
	}
}
