package inference

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"

	"github.com/x448/float16"

	"maquette/inference/checkpoint"
	"maquette/inference/graph"
)

// The files of an exported network.
const (
	exportModelFile   = "model.onnx"
	exportWeightsFile = "model.onnx_data"
)

// exportPlan is a network that is ready to be written.
type exportPlan struct {
	exportModel
	proto   []byte
	weights []exportWeight
	bytes   int64 // of the weights' file
}

// exportWeight is a weight on its way from a checkpoint's file to an export.
type exportWeight struct {
	from graph.External
	to   graph.Stored
}

// planExport decides where each weight goes.
func planExport(m exportModel, req ExportRequest, metadata map[string]string) (*exportPlan, error) {
	p := &exportPlan{exportModel: m}
	type span struct {
		path           string
		offset, length int64
	}
	placed := map[span]graph.Stored{}
	proto, err := m.model.Export(graph.Export{Fused: req.Fused, Metadata: metadata, Place: func(e graph.External) (graph.Stored, error) {
		key := span{e.Path, e.Offset, e.Length}
		if s, ok := placed[key]; ok {
			return s, nil // a tensor that is read twice, in two shapes
		}
		s := graph.Stored{Type: storedType(e.Type, req.Precision), Location: exportWeightsFile}
		s.Length = e.Length / width(e.Type) * width(s.Type)
		p.bytes = aligned(p.bytes, s.Length)
		s.Offset = p.bytes
		p.bytes += s.Length
		p.weights = append(p.weights, exportWeight{e, s})
		placed[key] = s
		return s, nil
	}})
	p.proto = proto
	return p, err
}

// storedType is the type in which an export stores weights of a type.
func storedType(t graph.DType, precision ExportPrecision) graph.DType {
	switch {
	case dtypeName(t) == "" || precision == ExportStored:
		return t
	case precision == ExportFP16:
		return graph.Float16
	}
	return graph.Float32
}

// aligned is where a tensor of that length may begin: programs that map files
// into memory want large ones at the beginning of a page.
func aligned(at, length int64) int64 {
	step := int64(64)
	if length >= 1<<20 {
		step = 4096
	}
	return (at + step - 1) / step * step
}

// width is the size of an element in bytes.
func width(t graph.DType) int64 {
	switch t {
	case graph.Float32, graph.Int32:
		return 4
	case graph.Float16, graph.BFloat16:
		return 2
	case graph.Float64, graph.Int64:
		return 8
	}
	return 1
}

// dtypeName is the name that safetensors files have for a floating-point type,
// or nothing for others.
func dtypeName(t graph.DType) string {
	return map[graph.DType]string{graph.Float32: "F32", graph.Float16: "F16", graph.BFloat16: "BF16",
		graph.Float8E4M3: "F8_E4M3", graph.Float8E5M2: "F8_E5M2"}[t]
}

// typeName is a type's name in manifests, numpy's.
func typeName(t graph.DType) string {
	return map[graph.DType]string{graph.Float32: "float32", graph.Int64: "int64"}[t]
}

// exportWriter writes networks below a folder.
type exportWriter struct {
	root     string
	report   func(ExportProgress)
	progress ExportProgress
	files    map[string]*os.File // the checkpoint's, open
}

func (w *exportWriter) close() error {
	var errs []error
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// write writes a network's two files.
func (w *exportWriter) write(ctx context.Context, p *exportPlan) (n ExportedNetwork, err error) {
	n = ExportedNetwork{Name: p.name, Model: path.Join(p.name, exportModelFile), Weights: path.Join(p.name, exportWeightsFile),
		Bytes: p.bytes + int64(len(p.proto)), Inputs: exportedTensors(p.model.Inputs), Outputs: exportedTensors(p.model.Outputs)}
	dir := filepath.Join(w.root, p.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return n, err
	}
	if err := os.WriteFile(filepath.Join(dir, exportModelFile), p.proto, 0o644); err != nil {
		return n, err
	}
	f, err := os.Create(filepath.Join(dir, exportWeightsFile))
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w.progress.Network = p.name
	out := bufio.NewWriterSize(f, exportChunk)
	at := int64(0)
	for _, t := range p.weights {
		gap := t.to.Offset - at
		if _, err := out.Write(make([]byte, gap)); err != nil {
			return n, err
		}
		w.progress.Done += gap
		at = t.to.Offset + t.to.Length
		if err := w.weight(ctx, out, t); err != nil {
			return n, fmt.Errorf("tensor %s of %s: %w", t.from.Name, t.from.Path, err)
		}
	}
	return n, errors.Join(out.Flush(), f.Sync())
}

func exportedTensors(list []graph.IO) []ExportedTensor {
	out := make([]ExportedTensor, len(list))
	for i, io := range list {
		out[i] = ExportedTensor{io.Name, typeName(io.Type), io.Shape}
	}
	return out
}

// exportChunk is how many bytes are read at once.
const exportChunk = 1 << 20

// weight copies one weight, converting it where its type changes.
func (w *exportWriter) weight(ctx context.Context, out io.Writer, t exportWeight) error {
	f := w.files[t.from.Path]
	if f == nil {
		var err error
		if f, err = os.Open(t.from.Path); err != nil {
			return err
		}
		if w.files == nil {
			w.files = map[string]*os.File{}
		}
		w.files[t.from.Path] = f
	}
	buf := make([]byte, min(exportChunk, t.from.Length))
	for done := int64(0); done < t.from.Length; {
		if err := ctx.Err(); err != nil {
			return err
		}
		data := buf[:min(int64(len(buf)), t.from.Length-done)]
		if _, err := f.ReadAt(data, t.from.Offset+done); err != nil {
			return err
		}
		done += int64(len(data))
		data, err := convert(data, t.from.Type, t.to.Type)
		if err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
		w.progress.Done += int64(len(data))
		if w.report != nil {
			w.report(w.progress)
		}
	}
	return nil
}

// convert changes the type of elements. Errors: a value that is too large.
func convert(data []byte, from, to graph.DType) ([]byte, error) {
	if from == to {
		return data, nil
	}
	values := make([]float32, int64(len(data))/width(from))
	if err := checkpoint.Floats(values, data, dtypeName(from)); err != nil {
		return nil, err
	}
	out := make([]byte, 0, int64(len(values))*width(to))
	for _, v := range values {
		if to == graph.Float32 {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
			continue
		}
		h := float16.Fromfloat32(v)
		if h.IsInf(0) && !math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%v is too large for fp16; export with fp32 or stored", v)
		}
		out = binary.LittleEndian.AppendUint16(out, h.Bits())
	}
	return out, nil
}
