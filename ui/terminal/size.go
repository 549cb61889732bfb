package terminal

import (
	"fmt"
	"image"
	"strconv"
	"strings"
)

// parseSize reads WxH, or one number for a square, in pixels.
func parseSize(text string) (image.Point, error) {
	w, h, ok := strings.Cut(strings.ToLower(text), "x")
	if !ok {
		h = w
	}
	width, errW := strconv.ParseUint(w, 10, 16)
	height, errH := strconv.ParseUint(h, 10, 16)
	if errW != nil || errH != nil {
		return image.Point{}, fmt.Errorf("size %q is not WIDTHxHEIGHT in pixels, such as 768x512", text)
	}
	return image.Pt(int(width), int(height)), nil
}

// parseRenderSize reads a size that a checkpoint can render.
func parseRenderSize(text string) (image.Point, error) {
	size, err := parseSize(text)
	if err != nil {
		return size, err
	}
	for _, v := range []int{size.X, size.Y} {
		if v < 64 || v > 2048 {
			return size, fmt.Errorf("size %q: %d is not in 64…2048 pixels", text, v)
		}
		if v%8 != 0 {
			return size, fmt.Errorf("size %q: %d is not a multiple of 8; the nearest one is %d", text, v, (v+4)/8*8)
		}
	}
	return size, nil
}
