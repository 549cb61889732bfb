package sheet

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"
	"slices"
	"time"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
)

// Animation is a set as an animated GIF.
type Animation struct {
	// Cells are the frames in order; those without a picture are left out. Captions
	// stand below the pictures.
	Cells []Cell
	// Delay is how long each is shown.
	Delay time.Duration
	// Side is the longest side of the pictures in pixels.
	Side int
}

// GIF writes an animation that repeats for ever. Every frame has a palette of
// its own, of 256 colours by median cut, and Floyd-Steinberg dithering.
func GIF(ctx context.Context, w io.Writer, a Animation) error {
	size, caption := a.size()
	if size == (image.Point{}) {
		return errors.New("there is no picture for an animation")
	}
	fonts, err := newTypefaces()
	if err != nil {
		return err
	}
	s := &raster{fonts: fonts, faces: map[faceSize]font.Face{}}
	st := newStyle(max(float64(a.Side)/28, 10))
	high := 0
	if caption {
		high = int(st.text * 2)
	}
	out := gif.GIF{Config: image.Config{Width: size.X, Height: size.Y + high}}
	for _, c := range a.Cells {
		if c.Open == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		img, err := c.Open(ctx)
		if err != nil {
			return err
		}
		s.img = image.NewRGBA(image.Rect(0, 0, size.X, size.Y+high))
		draw.Draw(s.img, s.img.Rect, image.White, image.Point{}, draw.Src)
		to := rect{0, 0, float64(size.X), float64(size.Y)}.fit(img.Bounds().Size())
		xdraw.CatmullRom.Scale(s.img, to.pixels(), img, img.Bounds(), draw.Over, nil)
		if caption {
			text := shorten(s, c.Caption, st.text, float64(size.X)-2*st.gap)
			s.text(st.gap, float64(size.Y)+st.text*1.35, text, st.text, color.Gray{black})
		}
		frame := image.NewPaletted(s.img.Rect, medianCut(s.img, 256))
		draw.FloydSteinberg.Draw(frame, frame.Rect, s.img, image.Point{})
		out.Image = append(out.Image, frame)
		out.Delay = append(out.Delay, max(int(a.Delay/(10*time.Millisecond)), 2))
		out.Disposal = append(out.Disposal, gif.DisposalNone)
	}
	if err := gif.EncodeAll(w, &out); err != nil {
		return fmt.Errorf("GIF: %w", err)
	}
	return nil
}

// size is that of the largest picture, not larger than Side, and whether there
// are captions.
func (a Animation) size() (size image.Point, caption bool) {
	for _, c := range a.Cells {
		if c.Open == nil || c.Size.X < 1 || c.Size.Y < 1 {
			continue
		}
		w, h := c.Size.X, c.Size.Y
		if long := max(w, h); long > a.Side {
			w, h = max(w*a.Side/long, 1), max(h*a.Side/long, 1)
		}
		size.X, size.Y = max(size.X, w), max(size.Y, h)
		caption = caption || c.Caption != ""
	}
	return size, caption
}

// bin is one colour of a histogram with five bits for each channel.
type bin struct {
	channels [3]uint8
	count    int
	sum      [3]int // of the exact colours
}

// medianCut chooses n colours at most for an image (Heckbert 1982): the box of
// colours that matters most is halved along its longest side, again and again.
func medianCut(img *image.RGBA, n int) color.Palette {
	var histogram [1 << 15]bin
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride : y*img.Stride+img.Rect.Dx()*4]
		for x := 0; x < len(row); x += 4 {
			b := &histogram[int(row[x]>>3)<<10|int(row[x+1]>>3)<<5|int(row[x+2]>>3)]
			b.count++
			for k := range 3 {
				b.channels[k] = row[x+k] >> 3
				b.sum[k] += int(row[x+k])
			}
		}
	}
	used := slices.DeleteFunc(histogram[:], func(b bin) bool { return b.count == 0 })
	boxes := []box{newBox(used)}
	for len(boxes) < n {
		at := 0
		for i, b := range boxes {
			if b.weight > boxes[at].weight {
				at = i
			}
		}
		if boxes[at].weight == 0 {
			break // each has one colour
		}
		low, high := boxes[at].halve()
		boxes[at] = low
		boxes = append(boxes, high)
	}
	palette := make(color.Palette, len(boxes))
	for i, b := range boxes {
		palette[i] = b.mean()
	}
	return palette
}

// box holds similar colours.
type box struct {
	bins   []bin
	axis   int // the channel in which they differ most
	weight int // how much halving it helps
}

func newBox(bins []bin) box {
	b := box{bins: bins}
	count, length := 0, 0
	for k := range 3 {
		low, high := uint8(31), uint8(0)
		for _, c := range bins {
			low, high = min(low, c.channels[k]), max(high, c.channels[k])
		}
		if l := int(high) - int(low); l > length {
			length, b.axis = l, k
		}
	}
	for _, c := range bins {
		count += c.count
	}
	b.weight = count * length
	return b
}

// halve cuts a box of at least two colours where half of its pixels are on each side.
func (b box) halve() (low, high box) {
	slices.SortFunc(b.bins, func(x, y bin) int { return int(x.channels[b.axis]) - int(y.channels[b.axis]) })
	total := 0
	for _, c := range b.bins {
		total += c.count
	}
	cut, sum := 1, b.bins[0].count
	for cut < len(b.bins)-1 && sum+b.bins[cut].count <= total/2 {
		sum += b.bins[cut].count
		cut++
	}
	return newBox(b.bins[:cut]), newBox(b.bins[cut:])
}

func (b box) mean() color.Color {
	count := 0
	var sum [3]int
	for _, c := range b.bins {
		count += c.count
		for k := range sum {
			sum[k] += c.sum[k]
		}
	}
	count = max(count, 1)
	return color.RGBA{uint8(sum[0] / count), uint8(sum[1] / count), uint8(sum[2] / count), 255}
}
