package assets

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed icons/*.png icons/*.svg fonts/*.otf fonts/*.ttf translations/*.json
var window embed.FS

// Icon returns a file of the icons folder, such as "maquette.png" (the app's
// icon, 512×512 pixels) or "live.svg". It panics if there is none: the names
// are fixed when the app is built.
func Icon(name string) []byte { return mustRead("icons/" + name) }

// Font returns a font file of the fonts folder. The fonts hold Chinese
// characters and no Latin; see fonts/make_subset.py. The regular one has TrueType
// outlines.
func Font(name string) []byte { return mustRead("fonts/" + name) }

// The bundled fonts.
const (
	FontChinese     = "NotoSansSC-Regular-subset.ttf"
	FontChineseBold = "NotoSansSC-Bold-subset.otf"
)

// Translations returns the folder of the window's texts: one JSON file per
// language, from the English text to the translated one.
func Translations() fs.FS {
	sub, err := fs.Sub(window, "translations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

func mustRead(name string) []byte {
	data, err := window.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("assets: %v", err))
	}
	return data
}
