// Package settings keeps the user's settings in a JSON file.
package settings

import "errors"

// Window is the size of the studio's window in Fyne units.
type Window struct {
	W float32 `json:"w"`
	H float32 `json:"h"`
}

// Settings are the user's choices. The zero value of a field means its default.
type Settings struct {
	// Language is a BCP 47 tag such as "en" or "zh-Hans"; "" means the system's.
	Language string `json:"language,omitempty"`
	// Theme is "dark", "light" or "system".
	Theme string `json:"theme"`
	// ModelFolders are the folders of the model library.
	ModelFolders []string `json:"model_folders,omitempty"`
	// Providers are execution providers in the order to try them; none means automatic.
	Providers []string `json:"providers,omitempty"`
	// Recent are project folders, the newest first.
	Recent []string `json:"recent,omitempty"`
	Window Window   `json:"window"`
	// UIScale scales the window's text and icons; 1 is normal.
	UIScale float32 `json:"ui_scale"`
	// Notice is a sentence for the user if the settings file could not be read; it is not stored.
	Notice string `json:"-"`
}

// Default returns the settings of a first start.
func Default() Settings { return Settings{Theme: "dark", Window: Window{W: 1366, H: 768}, UIScale: 1} }

// Path returns the settings file.
func Path() (string, error) { return "", errors.ErrUnsupported }

// Load reads the settings. It returns usable settings also with an error.
func Load() (Settings, error) { return Default(), errors.ErrUnsupported }

// Save stores s.
func Save(s Settings) error { return errors.ErrUnsupported }

// AddRecent puts a project folder first in Recent and stores the settings.
func AddRecent(dir string) error { return errors.ErrUnsupported }
