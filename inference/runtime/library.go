package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
)

// EnvLibrary is the environment variable that names the ONNX Runtime library.
const EnvLibrary = "MAQUETTE_ONNXRUNTIME"

// LibraryVersion is the release that Maquette installs and is tested with.
const LibraryVersion = "1.30.0"

// NoLibraryError says where the ONNX Runtime library was looked for.
type NoLibraryError struct{ Tried []string }

func (e *NoLibraryError) Error() string {
	return "the ONNX Runtime library was not found; run `make runtime`, or set " + EnvLibrary +
		" to its path. Looked for: " + strings.Join(e.Tried, ", ")
}

// FindLibrary finds the ONNX Runtime library: the one that $MAQUETTE_ONNXRUNTIME
// names, one beside the program, the one in the user's cache folder, or the
// system's. Errors: *NoLibraryError.
func FindLibrary() (string, error) {
	if path := os.Getenv(EnvLibrary); path != "" {
		if !isFile(path) {
			return "", fmt.Errorf("%s is %s, which is not a file", EnvLibrary, path)
		}
		return filepath.Abs(path)
	}
	var tried []string
	for _, dir := range libraryDirs() {
		for _, name := range libraryNames() {
			path := filepath.Join(dir, name)
			if isFile(path) {
				return path, nil
			}
		}
		tried = append(tried, dir)
	}
	return "", &NoLibraryError{tried}
}

func libraryNames() []string {
	switch goruntime.GOOS {
	case "windows":
		return []string{"onnxruntime.dll"}
	case "darwin":
		return []string{"libonnxruntime.1.dylib", "libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so.1", "libonnxruntime.so"}
}

func libraryDirs() []string {
	var dirs []string
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(exe), filepath.Join(filepath.Dir(exe), "lib"))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "maquette", "onnxruntime", LibraryVersion))
	}
	switch goruntime.GOOS {
	case "windows":
		return dirs
	case "darwin":
		return append(dirs, "/opt/homebrew/lib", "/usr/local/lib")
	}
	return append(dirs, "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
