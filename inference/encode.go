package inference

import (
	"context"
	"fmt"

	"maquette/inference/prompt"
	"maquette/inference/runtime"
)

// encodePrompts runs the text encoders on the negative prompt, if guided, and
// the prompt, or the prompts of all views. With two encoders the values of a token stand side by side; pooled
// is the second one's embedding of each whole prompt.
func (r *run) encodePrompts(ctx context.Context) (states, pooled []float32, err error) {
	texts := r.req.prompts()
	if r.guided {
		texts = append([]string{r.req.NegativePrompt}, texts...)
	}
	first, err := r.encodeTexts(ctx, r.net.text, texts, r.net.pads[0])
	if err != nil || r.net.text2 == nil {
		return first["last_hidden_state"], nil, err
	}
	second, err := r.encodeTexts(ctx, r.net.text2, texts, r.net.pads[1])
	if err != nil {
		return nil, nil, err
	}
	a, b := first["last_hidden_state"], second["last_hidden_state"]
	rows := len(texts) * prompt.Length
	for i := range rows {
		states = append(states, a[i*len(a)/rows:(i+1)*len(a)/rows]...)
		states = append(states, b[i*len(b)/rows:(i+1)*len(b)/rows]...)
	}
	return states, second["pooled"], nil
}

// encodeTexts runs one text encoder and copies its outputs. pad is what fills
// up a text behind its end.
func (r *run) encodeTexts(ctx context.Context, encoder *runtime.Session, texts []string, pad int64) (map[string][]float32, error) {
	var ids []int64
	for i, text := range texts {
		tokens := r.e.tokenizer.Tokenize(text)
		if tokens.Cut != "" {
			name := "prompt"
			if r.guided && i == 0 {
				name = "negative prompt"
			}
			r.note(fmt.Sprintf("The %s is longer than %d tokens; its end is not used: %s", name, prompt.Length-2, tokens.Cut))
		}
		for k := tokens.Count + 2; k < prompt.Length; k++ {
			tokens.IDs[k] = pad
		}
		ids = append(ids, tokens.IDs[:]...)
	}
	in, err := runtime.NewInt64([]int64{int64(len(texts)), prompt.Length}, ids)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := r.e.exec(ctx, encoder, map[string]*runtime.Tensor{"input_ids": in})
	if err != nil {
		return nil, err
	}
	defer runtime.CloseAll(out)
	values := map[string][]float32{}
	for name, t := range out {
		values[name] = append([]float32(nil), t.Float32()...)
		if broken(values[name]) {
			return nil, &NotFiniteError{r.req.Checkpoint, "text encoder", -1}
		}
	}
	return values, nil
}
