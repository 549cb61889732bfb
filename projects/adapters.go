package projects

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"maquette/inference"
	"maquette/inference/checkpoint"
	"maquette/inference/prompt"
)

// nearNames is how many names an error about an unknown one lists.
const nearNames = 5

// fill puts the files and prompts into a request.
func (f ModelFiles) fill(req *inference.Request) {
	req.Checkpoint, req.VAE, req.PreviewVAE = f.Checkpoint, f.VAE, f.PreviewVAE
	req.LoRAs, req.Embeddings = f.LoRAs, f.Embeddings
	req.Prompt, req.NegativePrompt = f.Prompt, f.NegativePrompt
}

// Fitting lists the models of a kind that are of use with a checkpoint, given as
// in Recipe.Checkpoint. ControlNets are listed better by Library.ControlNets.
func (l *Library) Fitting(ctx context.Context, checkpointPath string, kind checkpoint.Kind) ([]checkpoint.Entry, error) {
	_, family, err := l.checkpoint(ctx, checkpointPath)
	if err != nil {
		return nil, err
	}
	found, err := l.scan(ctx, l.folders)
	if err != nil {
		return nil, err
	}
	return fitting(found, family, kind), nil
}

func fitting(found []checkpoint.Entry, family string, kind checkpoint.Kind) []checkpoint.Entry {
	var list []checkpoint.Entry
	for _, e := range found {
		if e.Kind == kind && e.Reason == "" && e.Fits(checkpoint.Entry{Family: family}) {
			list = append(list, e)
		}
	}
	return list
}

// resolveAdapters finds what a recipe needs beside checkpoint and ControlNets.
func (l *Library) resolveAdapters(ctx context.Context, r Recipe, family string, files *ModelFiles) error {
	found, err := l.scan(ctx, l.folders)
	if err != nil {
		return err
	}
	called := r.LoRAs
	rest, list, err := prompt.ExtractLoRAs(r.Prompt)
	if err != nil {
		return err
	}
	negative, ignored, err := prompt.ExtractLoRAs(r.NegativePrompt)
	if err != nil {
		return fmt.Errorf("negative %w", err)
	}
	if len(ignored) > 0 {
		files.Notes = append(files.Notes, "LoRAs act on the whole picture, so those in the negative prompt are left out: "+ignored[0].Name)
	}
	for _, c := range list {
		called = append(slices.Clip(called), RecipeLoRA{Path: c.Name, UNet: c.UNet, Text: c.Text})
	}
	for _, c := range called {
		path, err := l.find(found, checkpoint.KindLoRA, "LoRA", family, c.Path)
		if err != nil {
			return err
		}
		files.addLoRA(path, c)
	}
	if r.VAE != "" {
		if files.VAE, err = l.find(found, checkpoint.KindVAE, "VAE", family, r.VAE); err != nil {
			return err
		}
	}
	files.PreviewVAE = previewVAE(found, family)
	files.Prompt, files.NegativePrompt = rest, negative
	files.Embeddings = named(fitting(found, family, checkpoint.KindEmbedding), rest+"\n"+negative)
	return nil
}

// addLoRA adds a LoRA; the strengths of one that is called twice add up.
func (f *ModelFiles) addLoRA(path string, c RecipeLoRA) {
	for i := range f.LoRAs {
		if have := &f.LoRAs[i]; have.Path == path {
			have.UNet, have.Text = have.UNet+float32(c.UNet), have.Text+float32(c.Text)
			return
		}
	}
	f.LoRAs = append(f.LoRAs, inference.LoRA{Path: path, UNet: float32(c.UNet), Text: float32(c.Text)})
}

// find looks a model up that is given by its path, its file's name or its alias;
// those that fit the checkpoint come first. Errors: *UnknownModelError.
func (l *Library) find(found []checkpoint.Entry, kind checkpoint.Kind, word, family, name string) (string, error) {
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err != nil {
			return "", fmt.Errorf("%s: %w; choose another one, or put it back", word, err)
		}
		return name, nil
	}
	var all []checkpoint.Entry
	for _, e := range found {
		if e.Kind == kind {
			all = append(all, e)
		}
	}
	fits := func(e checkpoint.Entry) bool { return e.Reason == "" && e.Fits(checkpoint.Entry{Family: family}) }
	slices.SortStableFunc(all, func(a, b checkpoint.Entry) int {
		switch fa, fb := fits(a), fits(b); {
		case fa && !fb:
			return -1
		case fb && !fa:
			return 1
		}
		return 0
	})
	wanted := strings.TrimSuffix(filepath.ToSlash(name), ".safetensors")
	for _, match := range []func(e checkpoint.Entry) bool{
		func(e checkpoint.Entry) bool { return e.Name == wanted },
		func(e checkpoint.Entry) bool {
			stem := strings.TrimSuffix(filepath.ToSlash(e.Path), filepath.Ext(e.Path))
			return strings.HasSuffix(stem, "/"+wanted)
		},
		func(e checkpoint.Entry) bool {
			return kind == checkpoint.KindLoRA && slices.Contains(e.Words(), wanted)
		},
		func(e checkpoint.Entry) bool { return strings.EqualFold(e.Name, wanted) },
	} {
		if i := slices.IndexFunc(all, match); i >= 0 {
			if all[i].Reason != "" {
				return "", fmt.Errorf("the %s %s cannot be used: %s", word, all[i].Path, all[i].Reason)
			}
			return all[i].Path, nil
		}
	}
	return "", &UnknownModelError{Kind: word, Name: name, Near: nearestNames(all, name), Folders: l.folders}
}

// UnknownModelError reports a LoRA or VAE that the model library doesn't have.
type UnknownModelError struct {
	// Kind is "LoRA" or "VAE", Name what the recipe or its prompt calls.
	Kind, Name string
	// Near are the names that are most like it, Folders the library's folders.
	Near, Folders []string
}

func (e *UnknownModelError) Error() string {
	where := "add a model folder in the settings and put it in there"
	if len(e.Folders) > 0 {
		where = "put it into " + strings.Join(e.Folders, " or ")
	}
	near := ""
	if len(e.Near) > 0 {
		near = "; it has " + strings.Join(e.Near, ", ")
	}
	return fmt.Sprintf("the model library has no %s named %q%s; %s, or take it out of the recipe", e.Kind, e.Name, near, where)
}

// nearestNames lists the names that need the fewest edits to become name.
func nearestNames(all []checkpoint.Entry, name string) []string {
	short := func(s string) string { return strings.ToLower(s[:min(len(s), 100)]) }
	names := make([]string, len(all))
	far := map[string]int{}
	for i, e := range all {
		names[i] = e.Name
		far[e.Name] = editDistance(short(e.Name), short(name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(far[a], far[b]), cmp.Compare(a, b)) })
	names = slices.Compact(names)
	return names[:min(len(names), nearNames)]
}

// previewVAE is a small decoder that draws previews of a family's latents, or "".
// TAESD and TAESDXL can't be told apart but by their usual names.
func previewVAE(found []checkpoint.Entry, family string) string {
	name := map[string]string{"sd1": "taesd", "sd2": "taesd", "sdxl": "taesdxl"}[family]
	if name == "" {
		return ""
	}
	usual := regexp.MustCompile(`(?i)^` + name + `([_-]decoder)?$`)
	for _, e := range found {
		if e.Kind == checkpoint.KindVAE && e.Reason == "" && usual.MatchString(e.Name) {
			return e.Path
		}
	}
	return ""
}

// named lists the embeddings whose names stand in text as words.
func named(list []checkpoint.Entry, text string) []inference.Embedding {
	text = strings.ToLower(text)
	var out []inference.Embedding
	for _, e := range list {
		for _, w := range e.Words() {
			if hasWord(text, strings.ToLower(w)) {
				out = append(out, inference.Embedding{Path: e.Path, Name: w})
				break
			}
		}
	}
	return out
}

// hasWord says whether word stands in text without being a part of a longer word.
func hasWord(text, word string) bool {
	inside := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for at := 0; word != ""; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:start]) // RuneError at the ends
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !(inside(before) && inside(first)) && !(inside(last) && inside(after)) {
			return true
		}
		at = end
	}
	return false
}
