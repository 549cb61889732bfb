// Package explain says in the window's language what an error means: what
// happened, to which file, and what to do.
package explain

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fyne.io/fyne/v2/lang"

	"maquette/control"
	"maquette/inference"
	"maquette/inference/arch"
	"maquette/inference/checkpoint"
	"maquette/inference/graph"
	"maquette/inference/lora"
	"maquette/inference/runtime"
	"maquette/projects"
	"maquette/ui/filepicker"
	"maquette/ui/sketchpad"
)

// At adds to an error the file or folder that it is about; nil stays nil.
func At(path string, err error) error {
	if err == nil {
		return nil
	}
	return &placed{path, err}
}

type placed struct {
	path string
	err  error
}

func (p *placed) Error() string { return p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

// Job says why a job failed. Of jobs of an earlier session only the words are left.
func Job(j projects.Job) string {
	if j.Cause == nil {
		return j.Error
	}
	return Error(j.Cause)
}

// Error returns a sentence for the user. An error that is not among those that
// users meet speaks for itself.
func Error(err error) string {
	for _, say := range []func(error) string{aboutProject, aboutImage, aboutModel, aboutSystem} {
		text := say(err)
		if text == "" {
			continue
		}
		if path := pathOf(err); path != "" {
			return path + "\n" + text
		}
		return text
	}
	return err.Error()
}

// is reports whether err is or wraps a T.
func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func aboutProject(err error) string {
	switch {
	case errors.Is(err, projects.ErrLocked):
		return lang.L("The project is open in another Maquette. Close it there, or open another project.")
	case errors.Is(err, projects.ErrNewerSchema):
		return lang.L("The project was made with a newer Maquette. Update Maquette to open it.")
	case errors.Is(err, projects.ErrNotProject):
		return lang.L("This is not a Maquette project. Choose a folder that holds a project.json file.")
	case errors.Is(err, projects.ErrReadOnly):
		return lang.L("This project is open for reading only.")
	case errors.Is(err, projects.ErrName):
		return lang.L("This name can't be used. Choose a short one without characters such as / and :.")
	case errors.Is(err, projects.ErrNoFit):
		return lang.L("There is no ControlNet for this control and checkpoint. Add one in the settings, choose another checkpoint, or remove the control.")
	case is[*projects.UnknownModelError](err):
		var e *projects.UnknownModelError
		errors.As(err, &e)
		text := lang.L("Your model folders have no {{.Kind}} named “{{.Name}}”. Put its file into one of them, or take it out of the recipe or the prompt.",
			map[string]any{"Kind": e.Kind, "Name": e.Name})
		if len(e.Near) > 0 {
			text += " " + lang.L("Similar names: {{.Names}}.", map[string]any{"Names": strings.Join(e.Near, ", ")})
		}
		return text
	case is[*lora.FitError](err):
		var e *lora.FitError
		errors.As(err, &e)
		return lang.L("{{.File}} was made for another kind of checkpoint. Choose one that fits, or another checkpoint.", map[string]any{"File": filepath.Base(e.Path)})
	case errors.Is(err, projects.ErrNotFound):
		return lang.L("It is not in the project any more.")
	case errors.Is(err, projects.ErrDamaged):
		return lang.L("A file of the project is damaged. The command “maquette project check” names it.")
	case errors.Is(err, projects.ErrClosed), errors.Is(err, inference.ErrClosed), errors.Is(err, runtime.ErrClosed):
		return lang.L("It was closed meanwhile. Try again.")
	case errors.Is(err, sketchpad.ErrFull):
		return lang.L("The drawing is full. Clear parts of it, or begin a new one.")
	case errors.Is(err, filepicker.ErrBusy):
		return lang.L("Another file dialog is open. Close it first.")
	}
	return ""
}

func aboutImage(err error) string {
	switch {
	case is[*control.ImageError](err):
		return lang.L("The picture can't be read: it is damaged, of an unknown kind, or larger than {{.Megapixels}} megapixels. Open it in another program and save it as PNG.",
			map[string]any{"Megapixels": control.MaxImagePixels / 1_000_000})
	case errors.Is(err, control.ErrNeedsDepthModel):
		return lang.L("This is a photograph, and its depth needs a depth model. Put one in ONNX format into a model folder, or use a line drawing or another control such as soft edges.")
	case is[*control.SizeError](err):
		return lang.L("A side of the picture is shorter than {{.Min}} or longer than {{.Max}} pixels. Choose another size.",
			map[string]any{"Min": control.MinSide, "Max": control.MaxSide})
	case is[*control.ParamError](err), is[*control.UnknownKindError](err):
		return lang.L("The control has a value that it can't take. Remove it and add it again.")
	}
	return ""
}

func aboutModel(err error) string {
	switch {
	case is[*runtime.NoLibraryError](err):
		return lang.L("The ONNX Runtime library is missing. Run “make runtime” in Maquette's folder, then try again.")
	case is[*checkpoint.FormatError](err):
		return lang.L("This is not a usable safetensors file: it is damaged or cut short. Get it again.")
	case is[*checkpoint.MissingError](err):
		return lang.L("A file of the model is missing. Get the whole model again.")
	case is[*checkpoint.UnsupportedError](err):
		return lang.L("Maquette can't run this model. Choose another checkpoint.")
	case is[*graph.MissingTensorError](err), is[*graph.ShapeError](err), is[*arch.ConfigError](err):
		return lang.L("The weights of the model don't belong to its configuration. Get the model again.")
	case is[*inference.NotFiniteError](err):
		return lang.L("The checkpoint gave values that are not numbers, so there is no picture. Try another version of it.")
	case is[*inference.RequestError](err):
		return lang.L("The recipe has a value that can't be rendered. Look at its size, steps and guidance.")
	}
	return ""
}

func aboutSystem(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return lang.L("The disk is full. Make room on it, then try again.")
	case errors.Is(err, syscall.EROFS):
		return lang.L("Nothing can be written here. Choose another place.")
	case errors.Is(err, fs.ErrPermission):
		return lang.L("Maquette has no permission for this. Change the permissions, or choose another place.")
	case errors.Is(err, fs.ErrNotExist):
		return lang.L("The file or folder is not there any more. Put it back, or choose another one.")
	}
	return ""
}

// pathOf returns the file or folder that an error names, the outermost first, or "".
func pathOf(err error) string {
	var (
		at          *placed
		format      *checkpoint.FormatError
		missing     *checkpoint.MissingError
		unsupported *checkpoint.UnsupportedError
		shape       *graph.ShapeError
		config      *arch.ConfigError
		notFinite   *inference.NotFiniteError
		path        *fs.PathError
		link        *os.LinkError
	)
	switch {
	case errors.As(err, &at):
		return at.path
	case errors.As(err, &format):
		return format.Path
	case errors.As(err, &missing):
		return missing.Path
	case errors.As(err, &unsupported):
		return unsupported.Path
	case errors.As(err, &shape):
		return shape.Path
	case errors.As(err, &config):
		return config.Path
	case errors.As(err, &notFinite):
		return notFinite.Checkpoint
	case errors.As(err, &path):
		return path.Path
	case errors.As(err, &link):
		return link.New
	}
	return ""
}
