package projects

import (
	"errors"
	"fmt"
	"math"
	"path"
	"time"

	"maquette/control"
)

// Concept is a rendered image together with its recipe.
type Concept struct {
	// ID is the concept's number in the project, with at least four digits.
	ID     string
	Recipe Recipe
	// Created is when the image was stored, in UTC.
	Created time.Time
	Starred bool
	// Image is the file in the project, slash separated.
	Image string
	// Sketch is the file in the project with the exact input of the render, or "".
	Sketch string
	// SketchID is the sketch it came from, or "".
	SketchID string
	// Controls are the control images' files in the project, in the order of
	// Recipe.Controls.
	Controls []string
	// Hashes maps models, by their path or by "starter" and "starter/…", to the
	// hex SHA-256 of their weights.
	Hashes map[string]string
	// Provider is the execution provider that rendered it, such as "CPU".
	Provider string
	// Seconds is the time that the image took to render.
	Seconds float64
	// JobID is the job that made it, or "".
	JobID string
	// Fidelity says how well the image follows the sketch; nil where that was not
	// measured.
	Fidelity *control.Fidelity
	// Set is the concept's place in a set, or nil.
	Set *Place
	// Drift and Agreement are the concept's numbers as one of a set, see
	// Project.MeasureSet; nil where they were not measured.
	Drift     *SiblingDrift
	Agreement *ViewAgreement
}

// sidecar is the content of concepts/NNNN.json, and, without the star, of the
// sidecar text in the PNG, from which a lost sidecar is made again.
type sidecar struct {
	Schema      int               `json:"schema"`
	ID          string            `json:"id"`
	Created     time.Time         `json:"created"`
	Starred     bool              `json:"starred,omitempty"`
	Recipe      Recipe            `json:"recipe"`
	Image       string            `json:"image"`
	ImageSHA256 string            `json:"image_sha256,omitempty"`
	Sketch      string            `json:"sketch,omitempty"`
	SketchID    string            `json:"sketch_id,omitempty"`
	Controls    []string          `json:"controls,omitempty"`
	Hashes      map[string]string `json:"model_sha256,omitempty"`
	Provider    string            `json:"provider,omitempty"`
	Seconds     float64           `json:"seconds,omitempty"`
	JobID       string            `json:"job,omitempty"`
	Fidelity    *control.Fidelity `json:"fidelity,omitempty"`
	Set         *Place            `json:"set,omitempty"`
	Drift       *SiblingDrift     `json:"geometry_drift,omitempty"`
	Agreement   *ViewAgreement    `json:"view_agreement,omitempty"`
	Program     string            `json:"program,omitempty"`
}

func conceptImage(id string) string   { return path.Join(conceptsDir, id+".png") }
func conceptSidecar(id string) string { return path.Join(conceptsDir, id+".json") }

func newSidecar(c Concept) sidecar {
	return sidecar{
		Schema: Schema, ID: c.ID, Created: c.Created, Starred: c.Starred, Recipe: c.Recipe,
		Image: c.ID + ".png", Sketch: c.Sketch, SketchID: c.SketchID, Controls: c.Controls, Hashes: c.Hashes,
		Provider: c.Provider, Seconds: c.Seconds, JobID: c.JobID, Fidelity: c.Fidelity, Set: c.Set,
		Drift: c.Drift, Agreement: c.Agreement, Program: programName,
	}
}

// concept turns a sidecar into a concept. The sidecar may come from anywhere,
// so ID and image are those of the file's own name, and names of files that
// lie outside the project are left out.
func (s sidecar) concept(id string) Concept {
	c := Concept{
		ID: id, Recipe: s.Recipe, Created: s.Created, Starred: s.Starred, Image: conceptImage(id),
		SketchID: s.SketchID, Hashes: s.Hashes, Provider: s.Provider, Seconds: s.Seconds, JobID: s.JobID,
	}
	if localFile(s.Sketch) == nil {
		c.Sketch = s.Sketch
	}
	for _, name := range s.Controls {
		if localFile(name) != nil {
			name = "" // keeps the order in step with Recipe.Controls
		}
		c.Controls = append(c.Controls, name)
	}
	if validID(c.SketchID) != nil {
		c.SketchID = ""
	}
	if s.Fidelity != nil && sound(*s.Fidelity) {
		c.Fidelity = s.Fidelity
	}
	if s.Set != nil && s.Set.sound() {
		c.Set = s.Set
	}
	if s.Drift != nil && s.Drift.sound() {
		c.Drift = s.Drift
	}
	if s.Agreement != nil && s.Agreement.sound() {
		c.Agreement = s.Agreement
	}
	return c
}

// parseSidecar reads and checks a sidecar. Errors: ErrDamaged, ErrNewerSchema.
func parseSidecar(data []byte) (sidecar, error) {
	var s sidecar
	err := decodeVersioned(data, &s)
	return s, err
}

// checkConcept refuses what a caller of AddConcept cannot have meant.
func checkConcept(c Concept) error {
	var errs []error
	for _, name := range append([]string{c.Sketch}, c.Controls...) {
		if name != "" {
			errs = append(errs, localFile(name))
		}
	}
	if c.SketchID != "" {
		errs = append(errs, validID(c.SketchID))
	}
	if c.Fidelity != nil && !sound(*c.Fidelity) {
		errs = append(errs, fmt.Errorf("a sketch fidelity of %+v", *c.Fidelity))
	}
	if c.Set != nil && !c.Set.sound() {
		errs = append(errs, fmt.Errorf("the place %v is not one of the set %.80q", c.Set.At, c.Set.Name))
	}
	if c.Drift != nil && !c.Drift.sound() {
		errs = append(errs, fmt.Errorf("a geometry drift of %+v", c.Drift.Drift))
	}
	if c.Agreement != nil && !c.Agreement.sound() {
		errs = append(errs, fmt.Errorf("a view agreement of %+v", c.Agreement.Agreement))
	}
	if math.IsNaN(c.Seconds) || math.IsInf(c.Seconds, 0) {
		errs = append(errs, fmt.Errorf("%g seconds", c.Seconds))
	}
	return errors.Join(errs...)
}
