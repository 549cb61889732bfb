package projects

import "errors"

// Errors that callers tell apart with errors.Is. The errors that functions
// return wrap them in a sentence that names the folder or file and says what
// to do.
var (
	// ErrLocked: another Maquette, or another window of this one, has the project open for writing.
	ErrLocked = errors.New("the project is open in another Maquette")
	// ErrNewerSchema: the project was written by a newer Maquette.
	ErrNewerSchema = errors.New("the project was made with a newer Maquette")
	// ErrNotProject: the folder is not a Maquette project.
	ErrNotProject = errors.New("not a Maquette project")
	// ErrReadOnly: the project was opened with OpenReadOnly.
	ErrReadOnly = errors.New("the project is open for reading only")
	// ErrName: a project, sketch or file name that cannot be used.
	ErrName = errors.New("unusable name")
	// ErrNotFound: no sketch, concept or job has the given ID.
	ErrNotFound = errors.New("not found")
	// ErrDamaged: a file of the project cannot be read as what it should be.
	ErrDamaged = errors.New("damaged file")
	// ErrClosed: the project or queue was closed.
	ErrClosed = errors.New("closed")
	// ErrNoFit: the model library has no ControlNet that fits a checkpoint and a control kind.
	ErrNoFit = errors.New("no ControlNet fits")
)
