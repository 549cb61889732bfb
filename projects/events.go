package projects

// Event is something that happened to a project: ConceptAdded, ConceptChanged,
// ConceptsRemoved, JobChanged, QueueChanged or SketchSaved.
type Event interface{ event() }

// ConceptAdded reports a new or restored concept.
type ConceptAdded struct{ Concept Concept }

// ConceptChanged reports a concept whose star or text changed.
type ConceptChanged struct{ Concept Concept }

// ConceptsRemoved reports concepts that went to the trash.
type ConceptsRemoved struct{ IDs []string }

// JobChanged reports a job's new state or progress. Where the reader is slower
// than the renderer, it sees the newest one only.
type JobChanged struct{ Job Job }

// QueueChanged reports that jobs were added, removed, moved or paused.
type QueueChanged struct{}

// SketchSaved reports that a sketch is safe on disk.
type SketchSaved struct{ ID string }

func (ConceptAdded) event()    {}
func (ConceptChanged) event()  {}
func (ConceptsRemoved) event() {}
func (JobChanged) event()      {}
func (QueueChanged) event()    {}
func (SketchSaved) event()     {}
