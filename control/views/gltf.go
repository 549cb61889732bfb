package views

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Numbers that binary glTF 2.0 gives to its parts (Khronos, "glTF 2.0
// Specification", chapters 3 and 4).
const (
	glbMagic        = 0x46546C67
	glbJSON         = 0x4E4F534A
	glbBinary       = 0x004E4942
	componentFloat  = 5126
	componentUint32 = 5125
	targetVertices  = 34962
	targetIndices   = 34963
)

type (
	gltf struct {
		Asset       map[string]string `json:"asset"`
		Scene       int               `json:"scene"`
		Scenes      []gltfScene       `json:"scenes"`
		Nodes       []gltfNode        `json:"nodes"`
		Meshes      []gltfMesh        `json:"meshes"`
		Materials   []gltfMaterial    `json:"materials"`
		Accessors   []gltfAccessor    `json:"accessors"`
		BufferViews []gltfView        `json:"bufferViews"`
		Buffers     []gltfBuffer      `json:"buffers"`
	}
	gltfScene struct {
		Nodes []int `json:"nodes"`
	}
	gltfNode struct {
		Mesh int    `json:"mesh"`
		Name string `json:"name"`
	}
	gltfMesh struct {
		Primitives []gltfPrimitive `json:"primitives"`
	}
	gltfPrimitive struct {
		Attributes map[string]int `json:"attributes"`
		Indices    int            `json:"indices"`
		Material   int            `json:"material"`
	}
	gltfMaterial struct {
		Name        string       `json:"name"`
		Surface     gltfMetallic `json:"pbrMetallicRoughness"`
		DoubleSided bool         `json:"doubleSided"`
	}
	gltfMetallic struct {
		Colour    [4]float64 `json:"baseColorFactor"`
		Metallic  float64    `json:"metallicFactor"`
		Roughness float64    `json:"roughnessFactor"`
	}
	gltfAccessor struct {
		View      int       `json:"bufferView"`
		Component int       `json:"componentType"`
		Count     int       `json:"count"`
		Type      string    `json:"type"`
		Min       []float32 `json:"min,omitempty"`
		Max       []float32 `json:"max,omitempty"`
	}
	gltfView struct {
		Buffer int `json:"buffer"`
		Offset int `json:"byteOffset"`
		Length int `json:"byteLength"`
		Target int `json:"target"`
	}
	gltfBuffer struct {
		Length int `json:"byteLength"`
	}
)

// WriteGLB writes a mesh as binary glTF 2.0: positions, normals and triangles,
// in metres, y up, front to +z as the format wants it. Errors: a mesh without
// triangles, coordinates that are no numbers, and those of w.
func (m *Mesh) WriteGLB(w io.Writer) error {
	if err := m.writable(); err != nil {
		return fmt.Errorf("write glTF: %w", err)
	}
	var data bytes.Buffer
	doc := gltf{
		Asset: map[string]string{"version": "2.0", "generator": "Maquette"}, Scenes: []gltfScene{{Nodes: []int{0}}},
		Nodes:     []gltfNode{{Name: "relief"}},
		Meshes:    []gltfMesh{{Primitives: []gltfPrimitive{{Attributes: map[string]int{"POSITION": 0, "NORMAL": 1}, Indices: 2}}}},
		Materials: []gltfMaterial{{Name: "clay", Surface: gltfMetallic{Colour: [4]float64{.8, .8, .8, 1}, Roughness: .9}, DoubleSided: true}},
	}
	section := func(target, component, count int, kind string, write func()) {
		from := data.Len()
		write()
		doc.Accessors = append(doc.Accessors, gltfAccessor{View: len(doc.BufferViews), Component: component, Count: count, Type: kind})
		doc.BufferViews = append(doc.BufferViews, gltfView{Offset: from, Length: data.Len() - from, Target: target})
	}
	put := func(v uint32) { data.Write(binary.LittleEndian.AppendUint32(nil, v)) }
	vectors := func(list []Vec) func() {
		return func() {
			for _, v := range list {
				for _, c := range v {
					put(math.Float32bits(float32(c)))
				}
			}
		}
	}
	section(targetVertices, componentFloat, len(m.Points), "VEC3", vectors(m.Points))
	section(targetVertices, componentFloat, len(m.Normals), "VEC3", vectors(m.Normals))
	section(targetIndices, componentUint32, 3*len(m.Triangles), "SCALAR", func() {
		for _, t := range m.Triangles {
			put(uint32(t.A))
			put(uint32(t.B))
			put(uint32(t.C))
		}
	})
	low, high := m.Bounds()
	for k := range 3 {
		doc.Accessors[0].Min = append(doc.Accessors[0].Min, float32(low[k]))
		doc.Accessors[0].Max = append(doc.Accessors[0].Max, float32(high[k]))
	}
	doc.Buffers = []gltfBuffer{{Length: data.Len()}}
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("write glTF: %w", err)
	}
	for len(text)%4 != 0 {
		text = append(text, ' ')
	}
	head := make([]byte, 0, 20)
	for _, v := range []int{glbMagic, 2, 12 + 8 + len(text) + 8 + data.Len(), len(text), glbJSON} {
		head = binary.LittleEndian.AppendUint32(head, uint32(v))
	}
	rest := binary.LittleEndian.AppendUint32(nil, uint32(data.Len()))
	rest = binary.LittleEndian.AppendUint32(rest, glbBinary)
	for _, part := range [][]byte{head, text, rest, data.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("write glTF: %w", err)
		}
	}
	return nil
}

// writable reports a mesh that no file can hold.
func (m *Mesh) writable() error {
	if len(m.Triangles) == 0 {
		return fmt.Errorf("the mesh has no triangles")
	}
	if len(m.Normals) != len(m.Points) {
		return fmt.Errorf("the mesh has %d points and %d normals", len(m.Points), len(m.Normals))
	}
	for i := range m.Points {
		for k := range 3 {
			if v := m.Points[i][k] + m.Normals[i][k]; math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("point %d is not a number", i)
			}
		}
	}
	for i, t := range m.Triangles {
		if min(t.A, t.B, t.C) < 0 || int(max(t.A, t.B, t.C)) >= len(m.Points) {
			return fmt.Errorf("triangle %d has a corner that does not exist", i)
		}
	}
	return nil
}
