package projects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"maquette/inference/checkpoint"
)

// ModelHash names the content of a model.
type ModelHash = checkpoint.Hashes

// HashProgress says how far hashing is: Path is the file that is being read, the
// Nth of Files, with Done of Total bytes of all files read.
type HashProgress struct {
	Path        string
	N, Files    int
	Done, Total int64
}

// ErrNoModel says that no model of the library has a hash.
var ErrNoModel = errors.New("no model of the library has this hash")

// HashModel returns the hashes of a model file, which are remembered as long as
// it does not change. Of a folder there is only SHA256, which is that of
// checkpoint.HashWeights. progress may be nil.
func (l *Library) HashModel(ctx context.Context, path string, progress func(HashProgress)) (ModelHash, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return ModelHash{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return ModelHash{}, err
	}
	if st.IsDir() {
		h, err := checkpoint.HashWeights(ctx, path)
		return ModelHash{SHA256: h}, err
	}
	if f := l.cache.get(path, st); f.Hash != nil {
		return *f.Hash, nil
	}
	var report func(done, total int64)
	if progress != nil {
		report = func(done, total int64) { progress(HashProgress{path, 1, 1, done, total}) }
	}
	h, err := checkpoint.HashFile(ctx, path, report)
	if err != nil {
		return h, err
	}
	l.cache.put(path, st, func(f *modelFile) { f.Hash = &h })
	l.cache.save()
	return h, nil
}

// FindModel finds the model of the library that a hash names: a whole SHA-256 of
// the file, of its weights or of a folder, or the beginning of one as programs
// write it (AUTOMATIC1111's model hash, AutoV2, AutoV3), or AutoV1. What is
// remembered is looked at first, then files whose metadata claim the hash and
// those named like hint, which may be ""; then all others are hashed. kind limits
// the search; "" means any. progress may be nil. Errors: ErrNoModel, a hash that
// is none.
func (l *Library) FindModel(ctx context.Context, hash string, kind checkpoint.Kind, hint string, progress func(HashProgress)) (checkpoint.Entry, error) {
	h, err := checkpoint.NormalHash(hash)
	if err != nil {
		return checkpoint.Entry{}, err
	}
	found, err := l.scan(ctx, l.folders)
	if err != nil {
		return checkpoint.Entry{}, err
	}
	var files, folders []checkpoint.Entry
	total, looked := int64(0), 0
	for _, e := range found {
		if kind != "" && e.Kind != kind {
			continue
		}
		st, err := os.Stat(e.Path)
		looked++
		switch {
		case err != nil:
			continue
		case st.IsDir():
			folders = append(folders, e)
			continue
		}
		if known := l.cache.get(e.Path, st); known.Hash != nil {
			if known.Hash.Match(h) {
				return e, nil
			}
			continue
		}
		if len(h) == 8 {
			if old, err := checkpoint.OldHash(e.Path); err == nil && old == h {
				return e, nil
			}
		}
		files = append(files, e)
		total += st.Size()
	}
	slices.SortStableFunc(files, func(a, b checkpoint.Entry) int {
		return cmp.Or(cmp.Compare(unlikely(a, h, hint), unlikely(b, h, hint)), cmp.Compare(a.Bytes, b.Bytes))
	})
	defer l.cache.save()
	before := int64(0)
	for i, e := range files {
		st, err := os.Stat(e.Path)
		if err != nil {
			continue // it went away meanwhile
		}
		got, err := checkpoint.HashFile(ctx, e.Path, func(done, _ int64) {
			if progress != nil {
				progress(HashProgress{e.Path, i + 1, len(files), before + done, total})
			}
		})
		if ctx.Err() != nil {
			return checkpoint.Entry{}, ctx.Err()
		}
		before += st.Size()
		if err != nil {
			l.log.Warn("cannot hash a model", "file", e.Path, "error", err)
			continue
		}
		l.cache.put(e.Path, st, func(f *modelFile) { f.Hash = &got })
		if got.Match(h) {
			return e, nil
		}
	}
	for _, e := range folders {
		if len(h) < 64 {
			break
		}
		got, err := checkpoint.HashWeights(ctx, e.Path)
		if ctx.Err() != nil {
			return checkpoint.Entry{}, ctx.Err()
		}
		if err == nil && got == h {
			return e, nil
		}
	}
	return checkpoint.Entry{}, fmt.Errorf("%w: %s, of %d", ErrNoModel, h, looked)
}

// unlikely orders files by how likely they have a hash: 0 for those that claim it.
func unlikely(e checkpoint.Entry, hash, hint string) int {
	if f, err := checkpoint.OpenSafetensors(e.Path); err == nil {
		if own := f.DeclaredHash(); own != "" && strings.HasPrefix(own, hash) {
			return 0
		}
	}
	if hint != "" && strings.EqualFold(modelName(hint), e.Name) {
		return 1
	}
	return 2
}

// Moved is a model of a recipe that was found elsewhere by its hash.
type Moved struct{ From, To string }

// Relocate replaces the models of a recipe that are gone by those of the library
// with the same content. hashes are those of the concept, by the paths in the
// recipe or by the models' names, as ParameterHashes gives them. Models without a
// hash, and those that are found nowhere, stay as they are. progress may be nil.
func (l *Library) Relocate(ctx context.Context, r Recipe, hashes map[string]string, progress func(HashProgress)) (Recipe, []Moved, error) {
	var moved []Moved
	move := func(path *string, kind checkpoint.Kind) error {
		if *path == "" || *path == StarterCheckpoint {
			return nil
		}
		hash := cmp.Or(hashes[*path], hashes[modelName(*path)])
		if hash == "" {
			return nil
		}
		if filepath.IsAbs(*path) {
			if _, err := os.Stat(*path); err == nil {
				return nil
			}
		} else if l.has(ctx, *path, kind) {
			return nil
		}
		e, err := l.FindModel(ctx, hash, kind, *path, progress)
		if errors.Is(err, ErrNoModel) {
			return nil
		}
		if err != nil {
			return err
		}
		moved = append(moved, Moved{*path, e.Path})
		*path = e.Path
		return nil
	}
	r.Controls, r.LoRAs = slices.Clone(r.Controls), slices.Clone(r.LoRAs)
	err := move(&r.Checkpoint, checkpoint.KindCheckpoint)
	for i := range r.Controls {
		err = errors.Join(err, move(&r.Controls[i].ControlNet, checkpoint.KindControlNet))
	}
	for i := range r.LoRAs {
		err = errors.Join(err, move(&r.LoRAs[i].Path, checkpoint.KindLoRA))
	}
	err = errors.Join(err, move(&r.VAE, checkpoint.KindVAE))
	if err != nil {
		return r, moved, fmt.Errorf("find the models of the recipe: %w", err)
	}
	return r, moved, nil
}

// has reports whether the library has a model of a name.
func (l *Library) has(ctx context.Context, name string, kind checkpoint.Kind) bool {
	found, err := l.scan(ctx, l.folders)
	return err == nil && slices.ContainsFunc(found, func(e checkpoint.Entry) bool {
		return e.Kind == kind && strings.EqualFold(e.Name, modelName(name))
	})
}

// ParameterHashes reads the hashes of models from a `parameters` text, by the
// models' names: those of the checkpoint, the VAE and of LoRAs.
func ParameterHashes(text string) map[string]string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := lines[len(lines)-1]
	if len(last) > maxSettings {
		return nil
	}
	given := map[string]string{}
	for _, kv := range settingsLine(last) {
		given[kv.key] = kv.value
	}
	out := map[string]string{}
	add := func(name, hash string) {
		if h, err := checkpoint.NormalHash(hash); err == nil && name != "" {
			out[modelName(name)] = h
		}
	}
	add(given["Model"], given["Model hash"])
	add(strings.TrimSuffix(given["VAE"], ".safetensors"), given["VAE hash"])
	for _, kv := range strings.Split(given["Lora hashes"], ",") {
		name, hash, _ := strings.Cut(kv, ":")
		add(strings.TrimSpace(name), hash)
	}
	return out
}

// Models lists all models of the model folders, usable or not.
func (l *Library) Models(ctx context.Context) ([]checkpoint.Entry, error) {
	return l.scan(ctx, l.folders)
}
