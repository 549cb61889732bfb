package projects

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a project's name. File systems take 255 bytes; the rest is left
// for what users and sync programs append.
const (
	maxNameRunes = 120
	maxNameBytes = 240
)

// ValidateName says why name cannot be a project's name, or returns nil. A
// project's name also serves as its folder's name, on any system: names such as
// "../x", "CON", "a/b" or 300 letters are refused with an error that wraps ErrName.
func ValidateName(name string) error {
	refuse := func(why string) error {
		shown := name
		if utf8.RuneCountInString(shown) > 40 {
			shown = string([]rune(strings.ToValidUTF8(shown, "\uFFFD"))[:40]) + "…"
		}
		return fmt.Errorf("%w %q: %s", ErrName, shown, why)
	}
	switch {
	case strings.TrimSpace(name) == "":
		return refuse("give it at least one letter")
	case !utf8.ValidString(name):
		return refuse("it is not valid text")
	case utf8.RuneCountInString(name) > maxNameRunes || len(name) > maxNameBytes:
		return refuse(fmt.Sprintf("use %d letters at most", maxNameRunes))
	case strings.Trim(name, ".") == "":
		return refuse("a name of dots means another folder")
	case strings.ContainsAny(name, forbiddenInNames):
		return refuse(`leave out / \ : * ? " < > |`)
	case strings.HasSuffix(name, ".") || strings.TrimSpace(name) != name:
		return refuse("leave out spaces at the ends and the dot at the end")
	case reservedName(name):
		return refuse("Windows keeps this name for a device")
	}
	for _, r := range name {
		if unicode.IsControl(r) || isDirectionControl(r) {
			return refuse("leave out invisible control characters")
		}
	}
	return nil
}

const forbiddenInNames = `/\:*?"<>|`

// isDirectionControl reports characters that reorder the text around them, with
// which a name can be made to look like another.
func isDirectionControl(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// reservedName reports device names of Windows, with or without an ending.
func reservedName(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if len([]rune(stem)) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) {
		return strings.ContainsRune("0123456789¹²³", []rune(stem)[3])
	}
	return false
}

// FolderName turns any text into a name that ValidateName accepts and that is
// as much like the text as can be.
func FolderName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(forbiddenInNames, r):
			return '-'
		case unicode.IsControl(r), isDirectionControl(r):
			return -1
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(text, "")))
	trim := func() { name = strings.TrimRight(strings.TrimSpace(name), ". ") }
	trim()
	if reservedName(name) {
		name = "Project " + name
	}
	for runes := []rune(name); len(runes) > maxNameRunes || len(name) > maxNameBytes; {
		runes = runes[:len(runes)-1]
		name = string(runes)
	}
	trim()
	if name == "" {
		return "Untitled"
	}
	return name
}

// validID checks the ID of a sketch, which is part of file names: one to 64
// ASCII letters, digits, - and _, the first a letter or digit. It is called for
// every file of a large folder, hence no regular expression.
func validID(id string) error {
	ok := len(id) >= 1 && len(id) <= 64 && !reservedName(id)
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '_')
	}
	if !ok {
		return fmt.Errorf("%w: sketch ID %.80q: use letters, digits, - and _", ErrName, id)
	}
	return nil
}

// isConceptID reports whether id is a concept's number as conceptID writes it:
// four digits, or five to nine that do not begin with 0.
func isConceptID(id string) bool {
	if len(id) < 4 || len(id) > 9 || len(id) > 4 && id[0] == '0' || id == "0000" {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

// localFile checks the name of a file that a sidecar refers to: it must be
// slash separated, clean, and lie in one of the folders for images.
func localFile(name string) error {
	top, _, _ := strings.Cut(name, "/")
	inside := top == sketchesDir || top == controlsDir || top == conceptsDir
	if !inside || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%w: %q is not an image of this project", ErrName, name)
	}
	return nil
}
