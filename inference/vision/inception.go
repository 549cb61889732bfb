package vision

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/disintegration/imaging"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/internal/onnxfile"
	"maquette/inference/runtime"
)

const (
	// Features is how many numbers Inception's last pooling layer gives.
	Features = 2048
	// inceptionSide is that of the pictures Inception v3 was trained with.
	inceptionSide = 299
	maxONNX       = 2 << 30 // bytes; ONNX files end there
)

// Inception is an Inception v3 network as an ONNX file, such as pytorch-fid's
// InceptionV3 exported with torch.onnx: from pictures [N,3,299,299] of float32
// from 0 to 1 to 2048 features and, in some files, the logits of 1000 or 1008
// classes. It is safe for concurrent use.
type Inception struct {
	path             string
	session          *runtime.Session
	in               graph.IO
	features, logits string // names of the outputs; logits may be ""
}

// NotInceptionError says why an ONNX model is no Inception network.
type NotInceptionError struct{ Path, Reason string }

func (e *NotInceptionError) Error() string {
	return fmt.Sprintf("%s is not an Inception network: %s", e.Path, e.Reason)
}

// FindInception returns the first Inception network in the folders by path, one
// that also gives classes before others; "" if there is none. Only descriptions
// are read.
func FindInception(ctx context.Context, folders []string) (string, error) {
	files, err := checkpoint.Files(ctx, folders, ".onnx")
	if err != nil {
		return "", err
	}
	best := ""
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		m, err := describeInception(path)
		if err != nil {
			continue
		}
		if m.logits != "" {
			return path, nil
		}
		if best == "" {
			best = path
		}
	}
	return best, nil
}

// describeInception recognises the network by its inputs and outputs.
func describeInception(path string) (*Inception, error) {
	st, err := os.Stat(path) // before opening, which waits where a pipe lies
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxONNX {
		return nil, &NotInceptionError{path, "an ONNX model is a file of at most 2 GB"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	inputs, outputs, err := onnxfile.Signature(f, st.Size())
	if err != nil {
		return nil, &NotInceptionError{path, err.Error()}
	}
	if len(inputs) != 1 || !takesPictures(inputs[0]) {
		return nil, &NotInceptionError{path, fmt.Sprintf("its inputs %v are not pictures [N,3,%d,%d] of float32", inputs, inceptionSide, inceptionSide)}
	}
	m := &Inception{path: path, in: inputs[0]}
	for _, out := range outputs {
		if out.Type != graph.Float32 {
			continue
		}
		switch width(out.Shape) {
		case Features:
			m.features = out.Name
		case 1000, 1008:
			m.logits = out.Name
		}
	}
	if m.features == "" {
		return nil, &NotInceptionError{path, fmt.Sprintf("none of its outputs %v are %d features", outputs, Features)}
	}
	return m, nil
}

func takesPictures(in graph.IO) bool {
	if in.Type != graph.Float32 || len(in.Shape) != 4 {
		return false
	}
	for i, want := range []int64{1, 3, inceptionSide, inceptionSide} {
		if d := in.Shape[i]; d != want && d != graph.Dynamic {
			return false
		}
	}
	return true
}

// width is that of rows of features: [N, width] or [N, width, 1, 1].
func width(shape []int64) int64 {
	if len(shape) != 2 && !(len(shape) == 4 && shape[2] == 1 && shape[3] == 1) || shape[0] > 1 {
		return 0
	}
	return shape[1]
}

// OpenInception loads a network. Errors: *NotInceptionError, and what ONNX
// Runtime says.
func OpenInception(ctx context.Context, r *runtime.Runtime, path string, o runtime.Options) (*Inception, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("inception network: %w", err)
	}
	m, err := describeInception(path)
	if err != nil {
		return nil, err
	}
	proto, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("inception network: %w", err)
	}
	_, outputs, err := onnxfile.Signature(bytes.NewReader(proto), int64(len(proto)))
	if err != nil {
		return nil, fmt.Errorf("inception network: %w", err)
	}
	m.session, err = r.NewSession(ctx, &graph.Model{
		Name: "inception network " + filepath.Base(path), Proto: proto, Root: filepath.Dir(path),
		Inputs: []graph.IO{m.in}, Outputs: outputs, WeightBytes: int64(len(proto)),
	}, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Path is the file that the network was loaded from.
func (m *Inception) Path() string { return m.path }

// Classes says whether Look gives logits.
func (m *Inception) Classes() bool { return m.logits != "" }

// Close frees the network.
func (m *Inception) Close() error { return m.session.Close() }

// Look returns the features of a picture and, if the network has them, the
// logits of its classes. Pictures are scaled with a cubic filter that averages,
// as clean-fid does (Parmar, Zhang and Zhu, 2022), and transparent parts count
// as white.
func (m *Inception) Look(ctx context.Context, picture image.Image) (features, logits []float32, err error) {
	if picture.Bounds().Empty() {
		return nil, nil, fmt.Errorf("%s: the picture is empty", m.session.Name())
	}
	scaled := imaging.Resize(opaque(picture), inceptionSide, inceptionSide, imaging.CatmullRom)
	x, err := runtime.NewFloat32([]int64{1, 3, inceptionSide, inceptionSide}, planes(scaled, [3]float32{}, [3]float32{1, 1, 1}))
	if err != nil {
		return nil, nil, err
	}
	defer x.Close()
	y, err := m.session.Run(ctx, map[string]*runtime.Tensor{m.in.Name: x})
	if err != nil {
		return nil, nil, err
	}
	defer runtime.CloseAll(y)
	features = append(features, y[m.features].Float32()...)
	if len(features) != Features {
		return nil, nil, fmt.Errorf("%s: it gives %d features, not %d", m.session.Name(), len(features), Features)
	}
	if m.logits != "" {
		logits = append(logits, y[m.logits].Float32()...)
	}
	return features, logits, nil
}
