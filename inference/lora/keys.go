package lora

import "strings"

// field is the role of a tensor within its module's change.
type field int

const (
	other field = iota
	up
	down
	mid
	alpha
	hada1A
	hada1B
	hada1T
	hada2A
	hada2B
	hada2T
	foreign // of a kind that isn't applied
)

// split cuts a tensor's name into the module that it changes, as the file spells
// it, and its role there. For role foreign, kind names the method; for other,
// the tensor is none that Maquette knows.
func split(name string) (mod string, role field, kind string) {
	for _, s := range [...]struct {
		end  string
		role field
	}{
		// kohya-ss/sd-scripts and LyCORIS
		{".lora_up.weight", up}, {".lora_down.weight", down}, {".lora_mid.weight", mid},
		{".hada_w1_a", hada1A}, {".hada_w1_b", hada1B}, {".hada_t1", hada1T},
		{".hada_w2_a", hada2A}, {".hada_w2_b", hada2B}, {".hada_t2", hada2T},
		// diffusers before PEFT
		{".lora.up.weight", up}, {".lora.down.weight", down},
		{".lora_linear_layer.up.weight", up}, {".lora_linear_layer.down.weight", down},
		{"_lora.up.weight", up}, {"_lora.down.weight", down},
		{".lora.alpha", alpha}, {".lora_linear_layer.alpha", alpha}, {"_lora.alpha", alpha}, {".alpha", alpha},
	} {
		if mod, ok := strings.CutSuffix(name, s.end); ok {
			return mod, s.role, ""
		}
	}
	for _, s := range [...]struct{ part, kind string }{
		{".dora_scale", "DoRA"}, {".lora_magnitude_vector", "DoRA"},
		{".lokr_", "LoKr"}, {".oft_", "OFT"}, {".on_input", "IA3"},
		{".a1.weight", "GLoRA"}, {".a2.weight", "GLoRA"}, {".b1.weight", "GLoRA"}, {".b2.weight", "GLoRA"},
		{".lora_embedding_", "a LoRA of token embeddings"},
		{".lora_up.bias", biasKind}, {".lora_B.bias", biasKind}, {".lora.up.bias", biasKind}, {".diff_b", biasKind},
		{".w_norm", normKind}, {".b_norm", normKind},
		{".diff", "full-rank difference"}, {".bias_", "sparse difference"},
	} {
		if at := strings.Index(name, s.part); at > 0 {
			return name[:at], foreign, s.kind
		}
	}
	// PEFT, which may name the adapter: …lora_A.weight, …lora_A.default.weight
	for _, s := range [...]struct {
		part string
		role field
	}{{".lora_A.", down}, {".lora_B.", up}} {
		if at := strings.Index(name, s.part); at > 0 && strings.HasSuffix(name, ".weight") {
			return name[:at], s.role, ""
		}
	}
	return name, other, ""
}

// Changes to biases and norms are small beside those of the weights; a file
// with some of them is applied without.
const (
	biasKind = "a change of biases"
	normKind = "a change of norms"
)
