package checkpoint

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// KindEmbedding is a textual inversion.
const KindEmbedding Kind = "embedding"

// maxTriggers is how many trigger words are kept of a model.
const maxTriggers = 12

// recognise tells a LoRA's family and finds embeddings. Only the header is read.
func recognise(e Entry) Entry {
	if e.Kind != KindLoRA && e.Kind != KindUnknown || isPickleName(e.Path) {
		return e
	}
	f, err := OpenSafetensors(e.Path)
	if err != nil {
		return e
	}
	if e.Kind == KindUnknown {
		if family, ok := f.embeddingFamily(); ok {
			e.Kind, e.Family, e.Reason = KindEmbedding, family, ""
		}
		if f.anyName(func(n string) bool { return strings.Contains(n, ".hada_w1_") || strings.Contains(n, ".lora_A.") }) {
			e.Kind, e.Reason = KindLoRA, ""
		}
	}
	if e.Kind == KindLoRA {
		e.Family = f.loraFamily()
	}
	return e
}

// byWidth names the family whose text embeddings have a width.
func byWidth(width int64) string {
	switch width {
	case 768:
		return "sd1"
	case 1024:
		return "sd2"
	case 2048:
		return "sdxl"
	}
	return ""
}

// loraFamily tells it from a factor that reads the text, or where the LoRA
// changes none such, from what the trainer wrote.
func (f *File) loraFamily() string {
	for _, t := range f.Tensors {
		reads := strings.Contains(t.Name, "attn2") && (strings.Contains(t.Name, "to_k") || strings.Contains(t.Name, "to_v"))
		down := strings.Contains(t.Name, "down.weight") || strings.Contains(t.Name, ".lora_A.") || strings.Contains(t.Name, ".hada_w1_b")
		if reads && down && len(t.Shape) >= 2 {
			return byWidth(t.Shape[1])
		}
	}
	base := f.Metadata["ss_base_model_version"] + " " + f.Metadata["modelspec.architecture"]
	for _, s := range [...][2]string{
		{"sdxl_", "sdxl"}, {"stable-diffusion-xl", "sdxl"}, {"sd_v2", "sd2"}, {"stable-diffusion-v2", "sd2"}, {"sd_v1", "sd1"}, {"stable-diffusion-v1", "sd1"},
	} {
		if strings.Contains(base, s[0]) {
			return s[1]
		}
	}
	return ""
}

// embeddingFamily says for which family a file is a textual inversion.
func (f *File) embeddingFamily() (string, bool) {
	width := func(name string) (int64, bool) {
		t, ok := f.Tensor(name)
		if !ok || len(t.Shape) == 0 || len(t.Shape) > 2 {
			return 0, false
		}
		return t.Shape[len(t.Shape)-1], true
	}
	l, hasL := width("clip_l")
	g, hasG := width("clip_g")
	if hasL && hasG {
		return "sdxl", l == 768 && g == 1280
	}
	name := "emb_params"
	if len(f.Tensors) == 1 {
		name = f.Tensors[0].Name
	}
	w, ok := width(name)
	return byWidth(w), ok && (w == 768 || w == 1024)
}

// Fits says whether a model is of use with a checkpoint: ControlNets, LoRAs and
// embeddings need its family, other checkpoints fit none. A LoRA of an unknown
// family may fit. VAEs are for every family whose latents they have, which their
// files don't tell, so all are let through.
func (e Entry) Fits(checkpoint Entry) bool {
	switch e.Kind {
	case KindControlNet, KindEmbedding:
		return e.Family == checkpoint.Family
	case KindLoRA:
		return e.Family == "" || e.Family == checkpoint.Family
	case KindVAE:
		return true
	}
	return false
}

// Matches says whether every word of a search is in the model's name, path,
// kind, family or one of the words; case doesn't count.
func (e Entry) Matches(search string, words ...string) bool {
	text := strings.ToLower(strings.Join(append([]string{e.Name, e.Path, string(e.Kind), e.Family}, words...), "\n"))
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(search)), func(w string) bool { return !strings.Contains(text, w) })
}

// Triggers are the words that a LoRA was trained to react to, from its
// metadata: modelspec.trigger_phrase, or else the most frequent of kohya's
// ss_tag_frequency. Nil where the file tells none.
func (e Entry) Triggers() []string {
	if e.Kind != KindLoRA {
		return nil
	}
	f, err := OpenSafetensors(e.Path)
	if err != nil {
		return nil
	}
	if phrase := strings.TrimSpace(f.Metadata["modelspec.trigger_phrase"]); phrase != "" {
		return []string{shorten(phrase)}
	}
	var sets map[string]map[string]float64
	if json.Unmarshal([]byte(f.Metadata["ss_tag_frequency"]), &sets) != nil {
		return nil // absent, or not as kohya writes it
	}
	counts := map[string]float64{}
	for _, set := range sets {
		for tag, n := range set {
			counts[strings.TrimSpace(tag)] += n
		}
	}
	tags := make([]string, 0, len(counts))
	for tag := range counts {
		if tag != "" {
			tags = append(tags, tag)
		}
	}
	slices.SortFunc(tags, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	tags = tags[:min(len(tags), maxTriggers)]
	for i := range tags {
		tags[i] = shorten(tags[i])
	}
	return tags
}

// Words are the names by which prompts call a LoRA or an embedding: the file's
// without its ending, then the name that its trainer gave it (kohya's
// ss_output_name, which AUTOMATIC1111 takes as an alias) or the token that an
// embedding is stored under.
func (e Entry) Words() []string {
	words := []string{e.Name}
	f, err := OpenSafetensors(e.Path)
	if err != nil {
		return words
	}
	alias := ""
	switch {
	case e.Kind == KindLoRA:
		alias = strings.TrimSpace(f.Metadata["ss_output_name"])
	case e.Kind == KindEmbedding && len(f.Tensors) == 1 && f.Tensors[0].Name != "emb_params":
		alias = f.Tensors[0].Name
	}
	if alias != "" && alias != e.Name && len(alias) < 200 {
		words = append(words, alias)
	}
	return words
}

// shorten keeps a text from the file to one line of bounded length.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return text
}

// Preview is the image beside the model: NAME.preview.png or NAME.png, as
// AUTOMATIC1111 and its helpers store them, also as .jpg, .jpeg or .webp; for a
// folder, preview.png in it. Empty if there is none.
func (e Entry) Preview() string {
	stem := strings.TrimSuffix(e.Path, filepath.Ext(e.Path))
	stems := []string{stem + ".preview", stem}
	if st, err := os.Stat(e.Path); err == nil && st.IsDir() {
		stems = []string{filepath.Join(e.Path, "preview")}
	}
	for _, s := range stems {
		for _, ext := range []string{".png", ".jpg", ".jpeg", ".webp"} {
			if isFile(s + ext) {
				return s + ext
			}
		}
	}
	return ""
}
