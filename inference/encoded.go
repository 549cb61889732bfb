package inference

import (
	"fmt"
	"slices"
	"strings"

	"maquette/inference/lora"
)

// keptTexts is the number of encoded prompts that are kept.
const keptTexts = 16

// textCache keeps what the text encoders made of prompts, so that a render of
// known prompts, as live mode asks for all the time, doesn't need the encoders. It
// is used under the engine's turn.
type textCache struct {
	list []keptText // the newest last
}

type keptText struct {
	key  string
	text encodedText
}

func (c *textCache) has(key string) bool {
	return slices.ContainsFunc(c.list, func(k keptText) bool { return k.key == key })
}

// get gives the encoded prompts of a key, which are not to be written to.
func (c *textCache) get(key string) (encodedText, bool) {
	i := slices.IndexFunc(c.list, func(k keptText) bool { return k.key == key })
	if i < 0 {
		return encodedText{}, false
	}
	k := c.list[i]
	c.list = append(slices.Delete(c.list, i, i+1), k)
	return k.text, true
}

func (c *textCache) put(key string, t encodedText) {
	if len(c.list) >= keptTexts {
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, keptText{key, t})
}

// textKey names the encoded prompts of a render: the encoders, what changes them,
// and the texts.
func (r *run) textKey(n *networks, parts []part, keys []string) (string, error) {
	var b strings.Builder
	for i, p := range parts {
		if p.encodesText() {
			fmt.Fprintf(&b, "%s\n%v\n", keys[i], p.extra)
		}
	}
	fmt.Fprintln(&b, n.strengths[lora.TextEncoder], n.strengths[lora.TextEncoder2], n.pads, r.req.Emphasis)
	for _, e := range r.req.Embeddings {
		state, err := fileState(e.Path)
		if err != nil {
			return "", adapterError("textual inversion", e.Path, err)
		}
		fmt.Fprintf(&b, "%q %s\n", e.Name, state)
	}
	fmt.Fprintf(&b, "%q", r.encoderTexts())
	return b.String(), nil
}

// encoderTexts are the negative prompt, if guided, and the prompts.
func (r *run) encoderTexts() []string {
	texts := r.req.prompts()
	if r.guided {
		texts = append([]string{r.req.NegativePrompt}, texts...)
	}
	return texts
}
