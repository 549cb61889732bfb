package inference

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/runtime"
	"maquette/inference/sampler"
)

// load reads the models' configs and headers, builds the graphs of the networks
// that aren't loaded yet, and loads those that are needed up to the last step: the
// decoder is loaded behind it, and a text encoder only for prompts that are new.
func (r *run) load(ctx context.Context) (*networks, error) {
	m, err := checkpoint.Open(r.req.Checkpoint)
	if err != nil {
		return nil, err
	}
	n := &networks{strengths: map[lora.Part]strengths{}, controls: make([]controlNet, len(r.req.Controls)), pads: [2]int64{m.PadToken, m.PadToken2}}
	if n.noise, err = sampler.ParseConfig(m.Scheduler); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Dir, err)
	}
	if r.req.Prediction != "" {
		n.noise.PredictionType = r.req.Prediction
	}
	if err := n.readWidth(m); err != nil {
		return nil, err
	}
	changes, err := r.openLoRAs(m)
	if err != nil {
		return nil, err
	}
	parts, err := n.parts(m, r.req, changes)
	if err != nil {
		return nil, err
	}
	parts = r.merge(ctx, parts)
	keys := make([]string, len(parts))
	for i, p := range parts {
		if keys[i], err = r.plan(n, p); err != nil {
			return nil, err
		}
	}
	if n.textKey, err = r.textKey(n, parts, keys); err != nil {
		return nil, err
	}
	known := r.e.texts.has(n.textKey)
	var now []part
	var nowKeys []string
	warm := true
	for i, p := range parts {
		if p.late {
			n.decoding = p
		}
		if p.late || known && p.encodesText() {
			continue
		}
		now, nowKeys = append(now, p), append(nowKeys, keys[i])
		warm = warm && (p.spare || r.e.cache.has(keys[i]))
	}
	r.meter = newMeter(r.report, sampler.Passes(r.req.Sampler, r.req.Steps)-r.startStep(), r.req.Images(), warm)
	r.meter.enter(StageLoad)
	r.tellPassedOver()
	return n, r.loadParts(ctx, n, now, nowKeys)
}

// encodesText says whether a network is a text encoder.
func (p part) encodesText() bool { return strings.HasPrefix(p.kind, "text") }

// plan chooses a network's tiles, gives its key, and finds what is wrong with one
// that is loaded late while there is still time.
func (r *run) plan(n *networks, p part) (string, error) {
	if err := r.tile(p); err != nil {
		return "", err
	}
	size := p.size(r.size())
	key, err := r.key(p, size)
	if err != nil {
		return "", err
	}
	if p.late && !r.e.cache.has(key) {
		if _, err := p.build(size); err != nil {
			return "", err
		}
	}
	if p.merged != nil {
		return r.mergedKey(n, key, p.merged)
	}
	return key, nil
}

// size is the size of the render's graphs.
func (r *run) size() arch.Size { return arch.Size{Height: r.h, Width: r.w} }

// loadParts loads the networks that aren't in the cache: those that a GPU may take
// one after the other, since what it takes decides what is needed besides.
func (r *run) loadParts(ctx context.Context, n *networks, parts []part, keys []string) error {
	l := r.newLoading(parts, keys)
	var left []int // what only the CPU can run
	for i, p := range parts {
		if p.spare && n.unet != nil && !takesResiduals(n.unet) {
			continue
		}
		if s := r.e.cache.use(keys[i]); s != nil {
			*p.session = s
			continue
		}
		if len(r.usable(p)) == 0 {
			left = append(left, i)
			continue
		}
		l.begin(i)
		s, err := r.session(ctx, p, keys[i], l)
		if err != nil {
			return err
		}
		*p.session = s
		l.finished(i)
	}
	return r.loadOnCPU(ctx, parts, keys, left, l)
}

// loadOnCPU loads networks two at a time, the largest first: ONNX Runtime converts
// and packs their weights on about one core each.
func (r *run) loadOnCPU(ctx context.Context, parts []part, keys []string, which []int, l *loading) error {
	slices.SortStableFunc(which, func(a, b int) int { return cmp.Compare(parts[b].bytes(), parts[a].bytes()) })
	var room int64
	for _, i := range which {
		room += r.expectedBytes(parts[i])
	}
	if err := r.e.cache.shrink(r.e.cache.limit - room); err != nil {
		return err
	}
	loaded := make([]*runtime.Session, len(parts))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	var err error
	for _, i := range which {
		var m *graph.Model
		l.begin(i)
		if m, err = r.graph(groupCtx, parts[i], runtime.CPU, l); err != nil {
			break
		}
		l.read()
		o := r.options(parts[i])
		group.Go(func() (err error) {
			loaded[i], err = r.e.rt.NewSession(groupCtx, m, o)
			return err
		})
	}
	err = cmp.Or(group.Wait(), err)
	for _, i := range which {
		// What was loaded before another failed is kept: the next render may want it.
		if s := loaded[i]; s != nil {
			r.e.cache.put(keys[i], s)
			*parts[i].session = s
			l.finished(i)
		}
	}
	return err
}

// session loads a network on the first provider that takes it.
func (r *run) session(ctx context.Context, p part, key string, l *loading) (*runtime.Session, error) {
	if s := r.e.cache.use(key); s != nil {
		return s, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Room is made first, so that the old and the new network aren't both in memory.
	if err := r.e.cache.shrink(r.e.cache.limit - r.expectedBytes(p)); err != nil {
		return nil, err
	}
	s, err := r.e.rt.NewSessionFor(ctx, p.title(), func(provider string) (*graph.Model, error) { return r.graph(ctx, p, provider, l) }, r.options(p))
	if err == nil {
		r.e.cache.put(key, s)
	}
	return s, err
}

// graph builds a network's graph for a provider and reads its weights ahead.
func (r *run) graph(ctx context.Context, p part, provider string, l *loading) (_ *graph.Model, err error) {
	size := p.size(r.size())
	if size.Numbers, err = r.numbers(ctx, p, size, provider, l); err != nil {
		return nil, err
	}
	if size.Numbers.Int8 == nil {
		if err := l.readAhead(ctx, p); err != nil {
			return nil, err
		}
	}
	if p.merged != nil && r.merges(ctx, provider) {
		return p.merged.build(size)
	}
	return p.build(size)
}

// options are those of a network's session.
func (r *run) options(p part) runtime.Options {
	o := runtime.Options{Providers: r.usable(p), Threads: r.e.cfg.Threads, Note: r.note, FreeAfterRun: r.freesAfterRun(p)}
	// What was passed over once is not tried again for every network, nor in the
	// next render, unless this one was too large.
	o.Passed = func(name string, err error) {
		if r.avoid[name] = true; !outOfMemory(err) {
			r.e.failed[name] = fmt.Sprintf("it can't run the %s: %v", p.title(), err)
		}
	}
	if r.e.cfg.Profile != "" {
		o.Profile = filepath.Join(r.e.cfg.Profile, strings.ReplaceAll(p.title(), " ", "-"))
	}
	return o
}

// loadDecoder loads the VAE's decoder, once the memory that the UNet works in is
// free again. Its tiles are chosen by what is free then.
func (r *run) loadDecoder(ctx context.Context) error {
	p := r.net.decoding
	if r.net.decoder != nil {
		return nil
	}
	if err := r.tile(p); err != nil {
		return err
	}
	key, err := r.key(p, p.size(r.size()))
	if err != nil {
		return err
	}
	r.net.decoder, err = r.session(ctx, p, key, &loading{m: r.meter, shares: []float64{0}, base: r.meter.done})
	return err
}
