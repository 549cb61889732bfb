package views

import (
	"bufio"
	"fmt"
	"io"
)

// WriteOBJ writes a mesh as Wavefront OBJ: points, normals, triangles, one group
// for each patch, and the strokes as lines. Errors are those of WriteGLB.
func (m *Mesh) WriteOBJ(w io.Writer) error {
	if err := m.writable(); err != nil {
		return fmt.Errorf("write OBJ: %w", err)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "# Maquette: y up, front to +z\no relief")
	for _, p := range m.Points {
		fmt.Fprintf(out, "v %.6g %.6g %.6g\n", p[0], p[1], p[2])
	}
	for _, n := range m.Normals {
		fmt.Fprintf(out, "vn %.4f %.4f %.4f\n", n[0], n[1], n[2])
	}
	patch := int32(-1)
	for _, t := range m.Triangles {
		if t.Patch != patch {
			patch = t.Patch
			fmt.Fprintf(out, "g patch%d\n", patch)
		}
		fmt.Fprintf(out, "f %[1]d//%[1]d %[2]d//%[2]d %[3]d//%[3]d\n", t.A+1, t.B+1, t.C+1)
	}
	next := len(m.Points) + 1
	for k, s := range m.Strokes {
		if k == 0 {
			fmt.Fprintln(out, "g strokes")
		}
		for _, p := range s {
			fmt.Fprintf(out, "v %.6g %.6g %.6g\n", p[0], p[1], p[2])
		}
		fmt.Fprint(out, "l")
		for range s {
			fmt.Fprintf(out, " %d", next)
			next++
		}
		fmt.Fprintln(out)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write OBJ: %w", err)
	}
	return nil
}
