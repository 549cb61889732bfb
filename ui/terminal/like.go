package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"maquette/projects"
)

// maxSidecar bounds the bytes of a concept's JSON file.
const maxSidecar = 4 << 20

// likeRecipe returns the recipe of a finished image: that of the JSON file
// beside a concept, else that of the text inside a PNG by this or another
// tool. A model, if not empty, takes the place of its checkpoint. Models that are
// not where they were are found by their hashes.
func (s *session) likeRecipe(ctx context.Context, library Library, path, model string) (projects.Recipe, error) {
	side := path
	if !strings.HasSuffix(strings.ToLower(path), ".json") {
		side = sidecar(path)
	}
	r, hashes, err := sidecarRecipe(side)
	if side != path && errors.Is(err, fs.ErrNotExist) {
		r, hashes, err = embeddedRecipe(path)
	}
	if err != nil {
		return r, fmt.Errorf("the recipe of %s: %w", path, err)
	}
	if model != "" {
		delete(hashes, r.Checkpoint)
	}
	if l, ok := library.(hashLibrary); ok {
		meter := s.hashMeter()
		var moved []projects.Moved
		r, moved, err = l.Relocate(ctx, r, hashes, meter.show)
		meter.finish()
		if err != nil {
			return r, fmt.Errorf("the recipe of %s: %w", path, err)
		}
		for _, m := range moved {
			s.note("%s is not there any more; %s has the same hash and takes its place", m.From, m.To)
		}
	}
	if model != "" {
		r.Checkpoint, err = findCheckpoint(ctx, library, model)
		return r, err
	}
	// Texts of other tools name the checkpoint; sidecars have its path.
	if r.Checkpoint, err = findCheckpoint(ctx, library, r.Checkpoint); err != nil {
		return r, fmt.Errorf("the recipe of %s: %w; choose another one with -m", path, err)
	}
	return r, nil
}

// sidecarRecipe reads the recipe in a concept's JSON file, and the hashes of its models.
func sidecarRecipe(path string) (projects.Recipe, map[string]string, error) {
	var content struct {
		Recipe *projects.Recipe  `json:"recipe"`
		Hashes map[string]string `json:"model_sha256"`
	}
	info, err := os.Stat(path)
	if err != nil {
		return projects.Recipe{}, nil, err
	}
	if info.Size() > maxSidecar {
		return projects.Recipe{}, nil, fmt.Errorf("%s has %s and is no concept's file", path, humanBytes(info.Size()))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return projects.Recipe{}, nil, err
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return projects.Recipe{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	if content.Recipe == nil {
		return projects.Recipe{}, nil, fmt.Errorf("%s has no recipe", path)
	}
	return *content.Recipe, content.Hashes, nil
}

// embeddedRecipe reads the parameters text of a PNG, and the hashes in it.
func embeddedRecipe(path string) (projects.Recipe, map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return projects.Recipe{}, nil, err
	}
	defer f.Close()
	text, err := projects.ReadParameters(f)
	if err != nil {
		return projects.Recipe{}, nil, err
	}
	r, err := projects.ParseParameters(text)
	return r, projects.ParameterHashes(text), err
}
