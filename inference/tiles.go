package inference

import (
	"encoding/json"
	"fmt"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
)

const (
	// A tile is a square of latents; a wide one comes nearer to the untiled
	// picture and takes more memory.
	maxTile, minTile = 128, 32
	// tileOverlap is the share of a tile that it has in common with the next one,
	// over which one fades into the other, as in diffusers' tiled_decode.
	tileOverlap = 0.25
	// bytesPerFeature is what a VAE takes at its peak per pixel and channel of its
	// widest level at full size: feature maps in float32 and the work space of convolutions.
	bytesPerFeature = 4 * 5
	// attentionBytes is what its attention takes per pair of latents, where a
	// provider has no fused operator for it.
	attentionBytes = 4 * 2
)

// vaeTile is the side in latents of the tiles in which a VAE works on latents of
// w×h so that it stays within budget bytes: 0 for all at once.
//
// Tiles aren't quite the whole: the VAE's GroupNorms and its attention see one
// tile at a time, so that tones may shift a little from tile to tile, which the
// overlap blends. Convolutions alone would make no difference at the tiles' middles.
func vaeTile(c *checkpoint.Component, w, h int, plain bool, budget int64) (int, error) {
	var config struct {
		Channels []int `json:"block_out_channels"`
		Tiny     []int `json:"decoder_block_out_channels"`
	}
	if err := json.Unmarshal(c.Config, &config); err != nil {
		return 0, fmt.Errorf("%s/config.json: %w", c.Dir, err)
	}
	width := int64(64)
	switch n := len(config.Channels); {
	case c.Class == checkpoint.ClassTinyVAE:
		plain = false // it has no attention
		if len(config.Tiny) > 0 {
			width = int64(config.Tiny[0])
		}
	case n > 1:
		width = int64(config.Channels[1]) // the decoder's last upsampling has the width of the level below
	case n == 1:
		width = int64(config.Channels[0])
	}
	takes := func(w, h int) int64 {
		cells := int64(w) * int64(h)
		bytes := cells * sideStep * sideStep * width * bytesPerFeature
		if plain {
			bytes += cells * cells * attentionBytes
		}
		return bytes
	}
	if takes(w, h) <= budget {
		return 0, nil
	}
	tile := maxTile
	for tile > minTile && takes(min(tile, w), min(tile, h)) > budget {
		tile -= 8
	}
	if tile >= w && tile >= h {
		return 0, nil
	}
	return tile, nil
}

// vaeSize is the size of the graph of a VAE that works in tiles, or all at once for 0.
func vaeSize(size arch.Size, tile int) arch.Size {
	if tile > 0 {
		size.Height, size.Width = min(size.Height, tile), min(size.Width, tile)
	}
	return size
}

// size is the size of a network's graph.
func (p part) size(s arch.Size) arch.Size {
	if p.tile == nil {
		return s
	}
	return vaeSize(s, *p.tile)
}

// tile chooses the tiles of a VAE by the memory that is free, and tells of them.
func (r *run) tile(p part) error {
	if p.tile == nil {
		return nil
	}
	budget := r.e.cfg.VAEBytes
	if budget == 0 {
		budget = freeMemory() / 2
	}
	tile, err := vaeTile(p.component, r.w, r.h, len(r.usable(p)) > 0, budget)
	if err != nil {
		return err
	}
	if most := r.largestTile; most > 0 && (tile == 0 || tile > most) && (most < r.w || most < r.h) {
		tile = most
	}
	if *p.tile = tile; tile > 0 {
		r.note(fmt.Sprintf("Memory is short for the VAE at %d×%d pixels, so it works in tiles of %d; tones may differ a little from a picture made at once",
			r.req.Width, r.req.Height, tile*sideStep))
	}
	return nil
}

// tiling covers w×h cells with tiles of tw×th; the last of a row or column ends
// at the border. What a tile gives has scale×scale values for each cell.
type tiling struct{ w, h, tw, th, scale int }

func newTiling(w, h, tile, scale int) tiling {
	if tile == 0 {
		return tiling{w, h, w, h, scale}
	}
	return tiling{w, h, min(tile, w), min(tile, h), scale}
}

// whole says whether one tile is all.
func (t tiling) whole() bool { return t.tw == t.w && t.th == t.h }

// starts are where tiles of a side begin along n cells.
func tileStarts(n, side int) []int {
	stride := side - int(float64(side)*tileOverlap)
	var list []int
	for at := 0; at+side < n; at += stride {
		list = append(list, at)
	}
	return append(list, n-side)
}

// cut copies the tile at x,y out of planes of so many values per cell.
func (t tiling) cut(planes []float32, x, y, scale int) []float32 {
	w, h, tw, th := t.w*scale, t.h*scale, t.tw*scale, t.th*scale
	channels := len(planes) / (w * h)
	out := make([]float32, 0, channels*tw*th)
	for c := range channels {
		for row := range th {
			at := c*w*h + (y*scale+row)*w + x*scale
			out = append(out, planes[at:at+tw]...)
		}
	}
	return out
}

// run calls do for each tile at x,y in cells and puts what it gives together:
// planes of all w·scale × h·scale values. A tile fades linearly into the tile
// above and the one to its left over what they have in common.
func (t tiling) run(do func(x, y int) ([]float32, error)) ([]float32, error) {
	if t.whole() {
		return do(0, 0)
	}
	xs, ys := tileStarts(t.w, t.tw), tileStarts(t.h, t.th)
	s := t.scale
	w, h, tw, th := t.w*s, t.h*s, t.tw*s, t.th*s
	var out []float32
	var above [][]float32
	for j, y := range ys {
		var row [][]float32
		for i, x := range xs {
			tile, err := do(x, y)
			if err != nil {
				return nil, err
			}
			if len(tile)%(tw*th) != 0 || out != nil && len(tile)/(tw*th) != len(out)/(w*h) {
				return nil, fmt.Errorf("the VAE gave %d values for a tile of %d×%d", len(tile), tw, th)
			}
			channels := len(tile) / (tw * th)
			if out == nil {
				out = make([]float32, channels*w*h)
			}
			if j > 0 {
				fade(above[i], tile, channels, th, tw, (y-ys[j-1])*s, tw, 1)
			}
			if i > 0 {
				fade(row[i-1], tile, channels, tw, th, (x-xs[i-1])*s, 1, tw)
			}
			row = append(row, tile)
			for c := range channels {
				for line := range th {
					copy(out[c*w*h+(y*s+line)*w+x*s:], tile[c*tw*th+line*tw:][:tw])
				}
			}
		}
		above = row
	}
	return out, nil
}

// fade blends the beginning of next into the end of last, along an axis of n
// values, one every step, that next lies shift further on; across is the other
// axis, of m values.
func fade(last, next []float32, channels, n, m, shift, step, across int) {
	common := n - shift
	for c := range channels {
		for k := range common {
			weight := float32(k) / float32(common)
			for l := range m {
				at := c*n*m + k*step + l*across
				next[at] = last[at+shift*step]*(1-weight) + next[at]*weight
			}
		}
	}
}
