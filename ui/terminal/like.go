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
// tool. A model, if not empty, takes the place of its checkpoint.
func likeRecipe(ctx context.Context, library Library, path, model string) (projects.Recipe, error) {
	side := path
	if !strings.HasSuffix(strings.ToLower(path), ".json") {
		side = sidecar(path)
	}
	r, err := sidecarRecipe(side)
	if side != path && errors.Is(err, fs.ErrNotExist) {
		r, err = embeddedRecipe(path)
	}
	if err != nil {
		return r, fmt.Errorf("the recipe of %s: %w", path, err)
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

// sidecarRecipe reads the recipe in a concept's JSON file.
func sidecarRecipe(path string) (projects.Recipe, error) {
	var content struct {
		Recipe *projects.Recipe `json:"recipe"`
	}
	info, err := os.Stat(path)
	if err != nil {
		return projects.Recipe{}, err
	}
	if info.Size() > maxSidecar {
		return projects.Recipe{}, fmt.Errorf("%s has %s and is no concept's file", path, humanBytes(info.Size()))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return projects.Recipe{}, err
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return projects.Recipe{}, fmt.Errorf("%s: %w", path, err)
	}
	if content.Recipe == nil {
		return projects.Recipe{}, fmt.Errorf("%s has no recipe", path)
	}
	return *content.Recipe, nil
}

// embeddedRecipe reads the parameters text of a PNG.
func embeddedRecipe(path string) (projects.Recipe, error) {
	f, err := os.Open(path)
	if err != nil {
		return projects.Recipe{}, err
	}
	defer f.Close()
	text, err := projects.ReadParameters(f)
	if err != nil {
		return projects.Recipe{}, err
	}
	return projects.ParseParameters(text)
}
