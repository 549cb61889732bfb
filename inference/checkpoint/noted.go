package checkpoint

import "encoding/json"

// notePrefix begins the metadata keys under which a single file keeps a part's
// config.json: config.unet, config.text_encoder, config.vae, config.scheduler,
// config.controlnet. Shapes don't tell how many heads or norm groups a network
// of unusual size has; the starter's exporter therefore writes them down.
const notePrefix = "config."

// noted lays what the file's metadata say of a part over the config that was
// worked out from its shapes. The class stays, and a note that is no JSON object
// says nothing.
func (f *File) noted(part string, inferred json.RawMessage) json.RawMessage {
	note, ok := f.Metadata[notePrefix+part]
	if !ok {
		return inferred
	}
	var c, over map[string]json.RawMessage
	if json.Unmarshal([]byte(note), &over) != nil || json.Unmarshal(inferred, &c) != nil || over == nil {
		return inferred
	}
	for key, value := range over {
		if key != "_class_name" {
			c[key] = value
		}
	}
	out, err := json.Marshal(c)
	if err != nil {
		return inferred
	}
	return out
}
