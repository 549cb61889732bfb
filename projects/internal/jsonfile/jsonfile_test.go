package jsonfile

import (
	"encoding/json"
	"strings"
	"testing"
)

type note struct {
	Name string `json:"name"`
	Size int    `json:"size,omitempty"`
}

func TestEncodeKeepsCharactersReadable(t *testing.T) {
	data, err := EncodeCompact(note{Name: "<a> & 草图"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data), `{"name":"<a> & 草图"}`+"\n"; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	data, err = Encode(note{Name: "a"})
	if err != nil || !strings.Contains(string(data), "\n  \"name\"") {
		t.Fatalf("%q, %v: not indented", data, err)
	}
}

func TestMergeKeepsUnknownFieldsAndDropsEmptiedOnes(t *testing.T) {
	data, err := Merge([]byte(`{"name":"old","size":3,"future":[1,2]}`), note{Name: "new"})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got["name"] != "new" || got["future"] == nil {
		t.Errorf("merged to %s", data)
	}
	if _, ok := got["size"]; ok {
		t.Errorf("a known field that is empty now came back: %s", data)
	}
}

func TestMergeOverGarbageIsTheValue(t *testing.T) {
	for _, old := range []string{"", "[]", "{", "null"} {
		data, err := Merge([]byte(old), note{Name: "new"})
		if err != nil || !strings.Contains(string(data), `"new"`) {
			t.Errorf("Merge(%q) = %q, %v", old, data, err)
		}
	}
}
