package gallery

import (
	"fyne.io/fyne/v2"

	"maquette/projects"
)

// showing reports whether a stack is the one that is open.
func (g *Gallery) showing(st projects.Stack) bool {
	if st.Set != nil {
		return g.set.id == st.Set.ID
	}
	return st.Cover.ID == g.open
}

// only shows one of the gallery's faces.
func (g *Gallery) only(face fyne.CanvasObject) {
	g.shown = face
	for _, o := range g.object.Objects {
		setVisible(o, o == face)
	}
}

func (g *Gallery) openConcept(c projects.Concept) {
	g.open = c.ID
	if c.Set == nil || c.Set.ID != g.set.id {
		g.set.close()
	}
	g.detail.showConcept(c)
	g.only(g.detail.object)
	g.strip.refresh()
}

// openStack opens a concept, or the sheet of a set.
func (g *Gallery) openStack(st projects.Stack) {
	if st.Set == nil {
		g.openConcept(st.Cover)
		return
	}
	g.openSet(st.Set.ID)
}

// openSet shows the sheet of a set.
func (g *Gallery) openSet(id string) {
	g.open = ""
	g.set.show(id)
	g.only(g.set.object)
	g.strip.refresh()
}

// openCompare shows two concepts against each other.
func (g *Gallery) openCompare(a, b projects.Concept) {
	g.open = ""
	g.compare.show(a, b)
	g.only(g.compare.object)
}

// openBlind asks which of the concepts are better, two at a time.
func (g *Gallery) openBlind(among []projects.Concept) {
	g.open = ""
	g.blind.start(among)
	g.only(g.blind.object)
}

// leaveConcept goes back from the large view to the set or the grid.
func (g *Gallery) leaveConcept() {
	if g.set.id != "" {
		g.openSet(g.set.id)
		return
	}
	g.showBrowse()
}

func (g *Gallery) showBrowse() {
	g.open = ""
	g.compare.close()
	g.blind.close()
	g.set.close()
	g.only(g.browse)
	g.grid.Refresh()
	g.strip.refresh()
}

// step opens the neighbour of the open concept: in its set, or among the
// single concepts of the grid.
func (g *Gallery) step(by int) {
	if c, ok := g.set.neighbour(g.open, by); ok {
		g.openConcept(c)
		return
	}
	i, ok := g.list.find(g.open)
	for ok {
		i += by
		var st projects.Stack
		if st, ok = g.list.at(i); ok && st.Set == nil {
			g.openConcept(st.Cover)
			return
		}
	}
}
