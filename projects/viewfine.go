package projects

import (
	"context"
	"slices"

	"maquette/inference"
)

// addFine completes the views of a request with the control images of its
// second pass, which are made at its size.
func (m *viewMaker) addFine(ctx context.Context, req *inference.Request) error {
	if req.SecondPass == nil {
		return nil
	}
	fine := &viewMaker{q: m.q, r: m.r, size: m.r.FinalSize(), sketch: m.sketch, drawings: m.drawings, note: m.note}
	at := *req
	at.Views, at.Init = nil, nil
	at.Controls = slices.Clone(req.Controls)
	for i := range at.Controls {
		at.Controls[i].Image = at.Controls[i].Fine
	}
	if err := fine.addViews(ctx, &at); err != nil {
		return err
	}
	for i := range req.Views {
		req.Views[i].Fine = at.Views[i].Controls
	}
	return nil
}
