// Package assets embeds what the app ships with: icons, fonts, translations,
// the CLIP vocabulary, sample sketches and the starter checkpoint.
package assets

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed samples
var samples embed.FS

// Sample is a sketch that the home page and `make run` offer.
type Sample struct {
	// ID names the file ID.png of Samples.
	ID string `json:"id"`
	// Name is its English name.
	Name string `json:"name"`
	// Prompt is the prompt that goes with it.
	Prompt string `json:"prompt"`
}

// Samples returns the folder of the sample sketches: one PNG of 1024×1024
// pixels each, dark strokes on white, and samples.json.
func Samples() fs.FS {
	sub, err := fs.Sub(samples, "samples")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// SampleList lists the sample sketches in the order in which they are shown.
func SampleList() ([]Sample, error) {
	data, err := fs.ReadFile(Samples(), "samples.json")
	if err != nil {
		return nil, fmt.Errorf("sample sketches: %w", err)
	}
	var list []Sample
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("sample sketches: samples.json: %w", err)
	}
	return list, nil
}
