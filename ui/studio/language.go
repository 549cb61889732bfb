package studio

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"maquette/assets"
)

// language is a language of the window.
type language struct {
	tag  string // as settings store it
	name string // in the language itself
	file string // in assets.Translations
}

func languages() []language {
	return []language{
		{tag: "en", name: "English", file: "en.json"},
		{tag: "zh-Hans", name: "简体中文", file: "zh.json"},
	}
}

// useLanguage loads the window's texts. An empty tag means the system's
// language. Fyne chooses by the system's locale alone, so a language that the
// user chose is loaded under the name of that locale.
func useLanguage(tag string) {
	chosen := languageOf(tag)
	for _, l := range languages() {
		if err := addTexts(l.file, fyne.Locale(l.tag)); err != nil {
			fyne.LogError("translations", err)
		}
	}
	if err := addTexts(chosen.file, fyne.Locale(lang.SystemLocale().LanguageString())); err != nil {
		fyne.LogError("translations", err)
	}
}

// languageOf returns the language of a tag, or of the system for an empty one,
// or English.
func languageOf(tag string) language {
	if tag == "" {
		tag = string(lang.SystemLocale())
	}
	base, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	for _, l := range languages() {
		known, _, _ := strings.Cut(l.tag, "-")
		if strings.EqualFold(known, base) {
			return l
		}
	}
	return languages()[0]
}

func addTexts(file string, locale fyne.Locale) error {
	data, err := fs.ReadFile(assets.Translations(), file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if !json.Valid(data) {
		return fmt.Errorf("%s: not JSON", file)
	}
	return lang.AddTranslationsForLocale(data, locale)
}

func saveFailed() string { return lang.L("The project could not be saved") }
