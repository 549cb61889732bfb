package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// extraPaths is the file in which ComfyUI's users list more model folders.
const extraPaths = "extra_model_paths.yaml"

// maxYAML bounds the size of that file, and maxTreeFolders the folders it names.
const (
	maxYAML        = 1 << 20
	maxTreeFolders = 1000
)

// ModelFolders replaces the folders of other programs by those in which they
// keep models: a folder of ComfyUI or AUTOMATIC1111 (and its forks) by the model
// folders below it, which spares walking their Python environments and outputs,
// and an extra_model_paths.yaml, given as such or lying in such a folder, by the
// folders that it names. Others stay as they are. Errors: a YAML file that is
// there and can't be read.
func ModelFolders(folders []string) ([]string, error) {
	var list []string
	for _, folder := range folders {
		root, err := filepath.Abs(folder)
		if err != nil {
			return nil, fmt.Errorf("resolving %s: %w", folder, err)
		}
		more := []string{root}
		if ext := strings.ToLower(filepath.Ext(root)); ext == ".yaml" || ext == ".yml" {
			more, err = yamlFolders(root)
		} else if tree := treeFolders(root); tree != nil {
			more, err = yamlFolders(filepath.Join(root, extraPaths))
			more = append(tree, more...)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, dir := range more {
			if !slices.Contains(list, dir) {
				list = append(list, dir)
			}
		}
	}
	return list, nil
}

// treeFolders lists the model folders of a program's folder, or nil if root is
// none. ComfyUI's are named in its folder_paths.py, AUTOMATIC1111's in
// modules/shared_cmd_options and the ControlNet extension.
func treeFolders(root string) []string {
	var names []string
	switch {
	case isDir(filepath.Join(root, "models", "checkpoints")) && (isDir(filepath.Join(root, "comfy")) || isFile(filepath.Join(root, "folder_paths.py"))):
		names = []string{"models/checkpoints", "models/diffusers", "models/loras", "models/vae", "models/vae_approx", "models/controlnet", "models/embeddings"}
	case isDir(filepath.Join(root, "models", "Stable-diffusion")) && (isFile(filepath.Join(root, "webui.py")) || isFile(filepath.Join(root, "launch.py"))):
		names = []string{"models/Stable-diffusion", "models/Lora", "models/LyCORIS", "models/VAE", "models/VAE-approx", "models/ControlNet",
			"embeddings", "extensions/sd-webui-controlnet/models"}
	default:
		return nil
	}
	list := []string{}
	for _, name := range names {
		if dir := filepath.Join(root, filepath.FromSlash(name)); isDir(dir) {
			list = append(list, dir)
		}
	}
	return list
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// yamlFolders reads ComfyUI's list: sections, each with an optional base_path,
// and for each kind of model one or more folders, a line each. Paths are below
// base_path, which itself is relative to the file. Environment variables and ~
// in base_path are filled in, as ComfyUI does.
func yamlFolders(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxYAML {
		return nil, fmt.Errorf("%s: not a YAML file of at most %d bytes", path, maxYAML)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var sections map[string]map[string]any
	if err := yaml.Unmarshal(data, &sections); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var list []string
	for _, section := range sections {
		base := filepath.Dir(path)
		if text, ok := section["base_path"].(string); ok && text != "" {
			base = below(base, home(os.ExpandEnv(text)))
		}
		for kind, value := range section {
			text, ok := value.(string)
			if !ok || !slices.Contains([]string{"checkpoints", "diffusers", "loras", "vae", "vae_approx", "controlnet", "embeddings"}, kind) {
				continue
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); line != "" {
					list = append(list, below(base, line))
				}
			}
		}
		if len(list) > maxTreeFolders {
			return nil, fmt.Errorf("%s: names more than %d folders", path, maxTreeFolders)
		}
	}
	slices.Sort(list) // maps have no order
	return slices.Compact(list), nil
}

// below joins a path to a base unless it is absolute.
func below(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, filepath.FromSlash(path))
}

// home fills in a leading ~.
func home(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, rest)
		}
	}
	return path
}
