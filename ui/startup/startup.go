// Package startup keeps the libraries of the window quiet in commands that
// open none. Fyne and GTK set themselves up while the program is loaded, before
// main runs, and report what they miss to standard error; so this package has
// to act before them. It is imported for its effect by main alone.
package startup

import (
	"os"
	"strings"
)

// init gives Fyne a language where the environment says none, as in the locale
// C.UTF-8 of containers: Fyne takes the name C for a language and complains. It
// comes first because Go initialises ready packages by import path, and Fyne's
// language package waits for text/template.
func init() {
	if language, needed := missingLanguage(os.Getenv); needed {
		_ = os.Setenv("LANGUAGE", language) // the worst that follows is Fyne's complaint
	}
}

// missingLanguage returns the value for LANGUAGE where the locale that the
// environment names is the C locale in one of its encodings.
func missingLanguage(getenv func(string) string) (language string, needed bool) {
	if getenv("LANGUAGE") != "" {
		return "", false
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" {
			return "en", strings.HasPrefix(locale, "C.") || strings.HasPrefix(locale, "POSIX.")
		}
	}
	return "", false
}
