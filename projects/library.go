package projects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"maquette/assets"
	"maquette/control"
	"maquette/inference/checkpoint"
)

// scanLife is how long the list of models is taken to be right.
const scanLife = 20 * time.Second

// Library is the model library: the bundled starter checkpoint and what lies
// in the user's model folders. It may be used from several goroutines.
type Library struct {
	folders []string
	log     *slog.Logger
	archive func() (data []byte, sha256 string)

	unpacking sync.Mutex
	starter   string // where it was unpacked, or ""

	mu      sync.Mutex
	scanned map[string]cachedFor // by what was scanned
	depths  cachedFor            // the depth models
	cache   *modelCache

	depth *depthModel
}

// NewLibrary makes the model library over folders, which may be missing or
// empty. A nil log means slog's default.
func NewLibrary(folders []string, log *slog.Logger) (*Library, error) {
	if log == nil {
		log = slog.Default()
	}
	l := &Library{log: log, archive: assets.Starter, scanned: map[string]cachedFor{}, cache: newModelCache(log), depth: newDepthModel()}
	for _, f := range folders {
		abs, err := filepath.Abs(f)
		if err != nil {
			return nil, fmt.Errorf("model folder %s: %w", f, err)
		}
		l.folders = append(l.folders, abs)
	}
	return l, nil
}

// Refresh forgets what was found in the model folders, so that the next
// question looks at them again. Without it that takes up to 20 seconds.
func (l *Library) Refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.scanned)
	l.depths = cachedFor{}
}

// scan lists all models in the given folders.
func (l *Library) scan(ctx context.Context, folders []string) ([]checkpoint.Entry, error) {
	key := strings.Join(folders, "\x00")
	l.mu.Lock()
	s, ok := l.scanned[key]
	l.mu.Unlock()
	if ok && time.Since(s.time) < scanLife {
		return s.entries, nil
	}
	entries, err := checkpoint.ScanKnown(ctx, folders, l.cache)
	if err != nil {
		return nil, fmt.Errorf("model library: %w", err)
	}
	l.cache.save()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scanned[key] = cachedFor{entries, time.Now()}
	return entries, nil
}

// Checkpoints lists the checkpoints: the starter first, whose Path is
// StarterCheckpoint, then those of the model folders. An entry's Path is what
// Recipe.Checkpoint takes. Those with a Reason cannot be rendered with.
func (l *Library) Checkpoints(ctx context.Context) ([]checkpoint.Entry, error) {
	dir, err := l.Starter(ctx)
	if err != nil {
		return nil, err
	}
	starter, err := checkpoint.Inspect(dir)
	if err != nil {
		return nil, fmt.Errorf("starter checkpoint: %w", err)
	}
	starter.Path, starter.Name = StarterCheckpoint, "Starter"
	found, err := l.scan(ctx, l.folders)
	if err != nil {
		return nil, err
	}
	list := []checkpoint.Entry{starter}
	for _, e := range found {
		if e.Kind == checkpoint.KindCheckpoint {
			list = append(list, e)
		}
	}
	return list, nil
}

// ControlNets lists the ControlNets that fit a checkpoint, given as in
// Recipe.Checkpoint, and a control kind, the best first; kind "" means any.
// What they are for is read from their names, since nothing inside them says it.
func (l *Library) ControlNets(ctx context.Context, checkpointPath string, kind control.Kind) ([]checkpoint.Entry, error) {
	dir, family, err := l.checkpoint(ctx, checkpointPath)
	if err != nil {
		return nil, err
	}
	// A checkpoint's own folder may hold ControlNets, as the starter's does.
	folders := append([]string{dir}, l.folders...)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		folders = l.folders
	}
	found, err := l.scan(ctx, folders)
	if err != nil {
		return nil, err
	}
	type ranked struct {
		entry checkpoint.Entry
		rank  int
	}
	var fits []ranked
	for _, e := range found {
		if e.Kind != checkpoint.KindControlNet || e.Reason != "" || e.Family != family {
			continue
		}
		rank, ok := fitness(e.Path, kind)
		if !ok {
			continue
		}
		if strings.HasPrefix(e.Path, dir+string(filepath.Separator)) {
			rank -= 1000 // made for this very checkpoint
		}
		fits = append(fits, ranked{e, rank})
	}
	slices.SortStableFunc(fits, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.entry.Path, b.entry.Path))
	})
	list := make([]checkpoint.Entry, len(fits))
	for i, f := range fits {
		list[i] = f.entry
	}
	return list, nil
}

// checkpoint finds a recipe's checkpoint and its family.
func (l *Library) checkpoint(ctx context.Context, name string) (path, family string, err error) {
	path = name
	if name == StarterCheckpoint {
		if path, err = l.Starter(ctx); err != nil {
			return "", "", err
		}
	}
	e, err := checkpoint.Inspect(path)
	if errors.Is(err, fs.ErrNotExist) && name != StarterCheckpoint {
		return "", "", fmt.Errorf("there is no checkpoint %s any more: choose another one, or put it back: %w", name, err)
	}
	if err != nil {
		return "", "", fmt.Errorf("checkpoint %s: %w", name, err)
	}
	if e.Reason != "" {
		return "", "", fmt.Errorf("checkpoint %s cannot be used: %s", name, e.Reason)
	}
	if e.Kind != checkpoint.KindCheckpoint {
		return "", "", fmt.Errorf("%s is a %s, not a checkpoint", name, e.Kind)
	}
	return path, e.Family, nil
}

// Resolve implements Models. A control whose ControlNet is empty gets the best
// fit of the library. Errors: ErrNoFit with what to do.
func (l *Library) Resolve(ctx context.Context, r Recipe) (ModelFiles, error) {
	path, family, err := l.checkpoint(ctx, r.Checkpoint)
	if err != nil {
		return ModelFiles{}, err
	}
	files := ModelFiles{Checkpoint: path, ControlNets: make([]string, len(r.Controls))}
	for i, c := range r.Controls {
		if c.ControlNet != "" {
			if _, err := os.Stat(c.ControlNet); err != nil {
				return ModelFiles{}, fmt.Errorf("ControlNet of the %s control: %w; choose another one", c.Kind, err)
			}
			files.ControlNets[i] = c.ControlNet
			continue
		}
		fits, err := l.ControlNets(ctx, r.Checkpoint, c.Kind)
		if err != nil {
			return ModelFiles{}, err
		}
		if len(fits) == 0 {
			return ModelFiles{}, l.noFit(r.Checkpoint, family, c.Kind)
		}
		files.ControlNets[i] = fits[0].Path
	}
	return files, l.resolveAdapters(ctx, r, family, &files)
}

func (l *Library) noFit(name, family string, kind control.Kind) error {
	if name == StarterCheckpoint {
		return fmt.Errorf("%w: the starter checkpoint has none for the %s control; use lineart, canny, scribble, straight, softedge or depth, or another checkpoint",
			ErrNoFit, kind)
	}
	folders := "add a model folder in the settings and put one in it"
	if len(l.folders) > 0 {
		folders = "put one into " + strings.Join(l.folders, " or ")
	}
	return fmt.Errorf("%w: the model library has none of family %q for the %s control of %s; %s (its name must tell what it is for, such as %s), or remove the control",
		ErrNoFit, family, kind, modelName(name), folders, "control_v11p_sd15_"+kindHints(kind)[0])
}

// kindHints lists the words by which ControlNets for a kind are named, the
// closest fit first.
func kindHints(kind control.Kind) []string {
	switch kind {
	case control.Straight:
		return []string{"mlsd", "straight", "lines"}
	case control.SoftEdge:
		return []string{"softedge", "hed", "pidinet", "lines"}
	case control.Normal:
		return []string{"normalbae", "normal"}
	case control.Canny, control.Lineart, control.Scribble:
		return []string{string(kind), "lines"}
	}
	return []string{string(kind)}
}

// fitness ranks a ControlNet for a kind by the words of its name and of the
// folder that it lies in; lower is better.
func fitness(path string, kind control.Kind) (rank int, ok bool) {
	if kind == "" {
		return 0, true
	}
	// A name within a checkpoint's folder or a Hugging Face download says
	// nothing, its folder does.
	tail := strings.ToLower(filepath.Base(path))
	if strings.HasPrefix(tail, "diffusion_pytorch_model") || tail == "controlnet" {
		tail = strings.ToLower(filepath.Base(filepath.Dir(path)))
	}
	words := strings.FieldsFunc(tail, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, hint := range kindHints(kind) {
		for _, w := range words {
			if !strings.HasPrefix(w, hint) {
				continue
			}
			rank = 10 * i
			if slices.Contains(words, "anime") {
				rank += 5 // the plain one suits products and buildings better
			}
			return rank, true
		}
	}
	return 0, false
}
