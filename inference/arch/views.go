package arch

import "maquette/inference/graph"

// ViewSharing makes a graph for views of one object that are denoised as one
// batch: the self-attention of each image also reads the keys and values of
// other images in the batch. With A(Q, K, V) = softmax(QKᵀ/√d)V and ";" joining
// tokens, an image i gives
//
//	(1−s)·A(Qᵢ, Kᵢ, Vᵢ) + s·A(Qᵢ, [Kᵢ; K…], [Vᵢ; V…])
//
// where K… and V… are those of the images that it reads. s = 0 is exactly the
// plain network. Reading the first view is reference-only control (lllyasviel,
// "Reference-only preprocessor", 2023); reading all others is MVDream's
// attention (Shi et al. 2023, arXiv 2308.16512). The weights are the same.
//
// The graph has two more inputs: views int64 [batch, n], the numbers in the batch
// of the n images that each image reads beside itself; and view_strength float32
// [batch, 1, 1], its s.
type ViewSharing struct {
	// MaxTokens bounds the layers that share: those where an image has at most
	// this many tokens (pixels of the feature map). 0 means all layers; layers
	// whose size isn't known when the graph is written always share.
	MaxTokens int
}

// The names of ViewSharing's inputs.
const (
	ViewsInput        = "views"
	ViewStrengthInput = "view_strength"
)

// reading is what the attention layers look at beside the pixels of their own image.
type reading struct {
	text  graph.Value  // [batch, tokens, crossDim]
	views *viewReading // nil where images don't read each other
}

// viewReading are ViewSharing's inputs in a graph.
type viewReading struct {
	views, strength graph.Value
	maxTokens       int64
}

// inputs declares the inputs; v may be nil.
func (v *ViewSharing) inputs(b *graph.Builder, batch int) *viewReading {
	if v == nil {
		return nil
	}
	return &viewReading{
		views:     b.Input(ViewsInput, graph.Int64, dim(batch), graph.Dynamic),
		strength:  b.Input(ViewStrengthInput, graph.Float32, dim(batch), 1, 1),
		maxTokens: int64(v.MaxTokens),
	}
}

// reads says whether a layer with features x [batch, tokens, channels] shares.
func (r *viewReading) reads(x graph.Value) bool {
	return r != nil && (r.maxTokens == 0 || x.Dim(1) == graph.Dynamic || x.Dim(1) <= r.maxTokens)
}

// join puts behind the tokens of each image x [batch, tokens, channels] those of
// the images that it reads.
func (r *viewReading) join(x graph.Value) graph.Value {
	return x.Concat(1, x.Items(r.views).Reshape(0, -1, x.Dim(2)))
}

// forwardViews is self-attention that reads other images of the batch as well.
func (a attention) forwardViews(x graph.Value, r *viewReading) graph.Value {
	if !r.reads(x) {
		return a.forward(x, x)
	}
	q, k, v := a.toQ.forward(x), a.toK.forward(x), a.toV.forward(x)
	own := q.Attention(k, v, a.heads)
	joined := q.Attention(r.join(k), r.join(v), a.heads)
	return a.toOut.forward(own.Add(joined.Sub(own).Mul(r.strength)))
}
