package projects

import (
	"encoding/json"
	"testing"

	"maquette/projects/internal/jsonfile"
)

func FuzzSidecar(f *testing.F) {
	good, err := jsonfile.Encode(newSidecar(Concept{ID: "0001", Recipe: fullRecipe(), Sketch: "sketches/history/a.png", Controls: []string{"controls/b.png"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1,"sketch":"../x","controls":["/etc/passwd",""],"sketch_id":"..","created":"x"}`))
	f.Add([]byte(`{"schema":1,"recipe":{"controls":[{}]},"model_sha256":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSidecar(data)
		if err != nil {
			return
		}
		c := s.concept("0001")
		for _, name := range append([]string{c.Sketch}, c.Controls...) {
			if name != "" && localFile(name) != nil {
				t.Fatalf("%q leads out of the project", name)
			}
		}
		if c.SketchID != "" && validID(c.SketchID) != nil {
			t.Fatalf("sketch ID %q", c.SketchID)
		}
		_ = Parameters(c.Recipe, c.Hashes) // must not panic
		_ = searchText(c)
		if _, err := jsonfile.Merge(data, s); err != nil && json.Valid(data) {
			t.Fatalf("cannot be written again: %v", err)
		}
	})
}
