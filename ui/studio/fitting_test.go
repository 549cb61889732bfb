package studio

import (
	"testing"

	"maquette/control"
	"maquette/projects"
)

// The inspector offers what fits the checkpoint and the controls, and looks
// again when either changes, but not when anything else does.
func TestInspectorOffersWhatFits(t *testing.T) {
	s := newTestStudio(t)
	w := s.newDrawingWith(true)
	s.waitFor("the starter's models", func() bool { return !w.fitsLoading && len(w.fits.nets) == 1 })
	if v := w.panelView(); len(v.LoRAs) != 0 || v.ControlNets[0][0].Name != "net for lineart" {
		t.Errorf("for the starter: %+v", w.fits)
	}
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Checkpoint = "/models/big" })
		w.state.AddControl(control.Depth)
		w.changed()
		if !w.panelView().ModelsLoading {
			t.Error("the inspector does not say that it looks")
		}
	})
	s.waitFor("the checkpoint's models", func() bool { return !w.fitsLoading && len(w.fits.nets) == 2 })
	v := w.panelView()
	if len(v.LoRAs) != 1 || v.LoRAs[0].Name != "ink" || v.ControlNets[1][0].Path != "/models/net-depth" {
		t.Errorf("for the big checkpoint: %+v", w.fits)
	}
	s.do(func() {
		w.state.Edit(func(r *projects.Recipe) { r.Prompt = "a chair" })
		w.changed()
		if w.fitsLoading {
			t.Error("another prompt makes it look again")
		}
	})
}
