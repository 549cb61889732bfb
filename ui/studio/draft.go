package studio

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fyne.io/fyne/v2/lang"

	"maquette/control/views"
	"maquette/projects"
	"maquette/ui/explain"
	"maquette/ui/panels"
)

// draftFile holds, in a project's folder, what the inspector showed last.
const draftFile = "studio.json"

// draftPause is how long the inspector must rest before its state is written.
const draftPause = time.Second

// draft is the state of the inspector on disk. Losing it loses no work that is
// not in a concept, except for a prompt that was never rendered.
type draft struct {
	Sketch     string           `json:"sketch,omitempty"`
	Recipe     *projects.Recipe `json:"recipe,omitempty"`
	Influence  *int             `json:"influence,omitempty"`
	SeedLocked bool             `json:"seed_locked,omitempty"`
	Variants   []panels.Variant `json:"variants,omitempty"`
	// Readings say what regions of the sketch are, by views.RegionID.
	Readings map[string]views.Reading `json:"readings,omitempty"`
	// Paint is how the part under the mask is rendered.
	Paint *projects.Inpaint `json:"paint,omitempty"`
}

// readDraft returns the stored state, or an empty one if there is none that can be read.
func readDraft(dir string) draft {
	var d draft
	data, err := os.ReadFile(filepath.Join(dir, draftFile))
	if err != nil || json.Unmarshal(data, &d) != nil {
		return draft{}
	}
	return d
}

// writeDraft stores d so that a crash leaves the old file or the new one.
func writeDraft(dir string, d draft) error {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", draftFile, err)
	}
	f, err := os.CreateTemp(dir, "."+draftFile+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", draftFile, err)
	}
	_, err = f.Write(append(data, '\n'))
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, draftFile))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", draftFile, err)
	}
	return nil
}

func (w *workspace) draft() draft {
	r, influence, paint := w.state.Recipe(), w.state.Influence(), w.state.paint
	return draft{Sketch: w.sketchID, Recipe: &r, Influence: &influence, SeedLocked: w.state.seedLocked, Readings: w.state.readings, Paint: &paint,
		Variants: w.state.variants}
}

// saveDraft writes the inspector's state in the background.
func (w *workspace) saveDraft(done func()) {
	if w.project.ReadOnly() {
		return
	}
	d, dir := w.draft(), w.project.Dir()
	go func() {
		err := writeDraft(dir, d)
		w.s.post(func() {
			if err != nil {
				w.s.toasts.show(lang.L("The recipe could not be saved: {{.Error}}", map[string]any{"Error": explain.Error(err)}), "", nil)
			}
			if done != nil {
				done()
			}
		})
	}()
}
