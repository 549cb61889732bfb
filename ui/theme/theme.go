// Package theme is the look of the studio: a calm, neutral palette in which the
// images are the only colour, one accent, and text that also covers Chinese.
package theme

import (
	"image/color"

	"fyne.io/fyne/v2"
	base "fyne.io/fyne/v2/theme"

	"maquette/assets"
)

// Mode says which palette a Theme uses.
type Mode string

// The modes, as settings store them.
const (
	Dark   Mode = "dark"
	Light  Mode = "light"
	System Mode = "system" // what the desktop prefers
)

// Names of colours beyond Fyne's own.
const (
	// ColorNamePanel is the ground of the tool strip, the inspector and the bars.
	ColorNamePanel fyne.ThemeColorName = "maquettePanel"
	// ColorNameStage is the ground behind a drawing or a picture.
	ColorNameStage fyne.ThemeColorName = "maquetteStage"
)

// Theme is a fyne.Theme. Values are immutable; make a new one to change it.
type Theme struct {
	mode          Mode
	scale         float32
	regular, bold fyne.Resource
}

// New returns a theme. scale multiplies text, icons and paddings; it is brought
// into 0.75…2, and 0 means 1.
func New(mode Mode, scale float32) *Theme {
	if scale == 0 {
		scale = 1
	}
	return &Theme{
		mode:    mode,
		scale:   min(max(scale, 0.75), 2),
		regular: fyne.NewStaticResource(assets.FontChinese, assets.Font(assets.FontChinese)),
		bold:    fyne.NewStaticResource(assets.FontChineseBold, assets.Font(assets.FontChineseBold)),
	}
}

// Font returns the bundled Chinese font, which has no Latin characters: Fyne
// looks for a character in the theme's font first and then in its own Noto Sans,
// so every text may mix the two. Monospaced text and symbols stay Fyne's.
func (t *Theme) Font(style fyne.TextStyle) fyne.Resource {
	switch {
	case style.Symbol:
		return base.DefaultTheme().Font(style)
	case style.Bold:
		return t.bold
	default:
		return t.regular
	}
}

// Icon returns Fyne's icons.
func (t *Theme) Icon(name fyne.ThemeIconName) fyne.Resource { return base.DefaultTheme().Icon(name) }

// Size returns Fyne's sizes in a rhythm of 8 with a slightly smaller text, so
// that the inspector fits a laptop's screen.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case base.SizeNameText:
		return 13 * t.scale
	case base.SizeNameCaptionText:
		return 11 * t.scale
	case base.SizeNameHeadingText:
		return 24 * t.scale
	case base.SizeNameSubHeadingText:
		return 16 * t.scale
	case base.SizeNameInnerPadding:
		return 6 * t.scale
	case base.SizeNameInlineIcon:
		return 18 * t.scale
	case base.SizeNamePadding:
		return 4 * t.scale
	case base.SizeNameInputRadius, base.SizeNameSelectionRadius:
		return 6
	case base.SizeNameScrollBar:
		return 10 * t.scale
	}
	return base.DefaultTheme().Size(name)
}

// Color returns a colour of the palette.
func (t *Theme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	switch t.mode {
	case Dark:
		variant = base.VariantDark
	case Light:
		variant = base.VariantLight
	}
	palette := darkPalette
	if variant == base.VariantLight {
		palette = lightPalette
	}
	if c := palette(name); c != nil {
		return c
	}
	return base.DefaultTheme().Color(name, variant)
}

func rgb(v uint32) color.Color {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func alpha(v uint32, a uint8) color.Color {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: a}
}

func darkPalette(name fyne.ThemeColorName) color.Color {
	const accent = 0xf08a4b
	switch name {
	case base.ColorNameBackground, ColorNamePanel:
		return rgb(0x202226)
	case ColorNameStage:
		return rgb(0x17181b)
	case base.ColorNameForeground:
		return rgb(0xe8e7e3)
	case base.ColorNamePlaceHolder:
		return rgb(0x9a9da4)
	case base.ColorNameDisabled:
		return rgb(0x868a92)
	case base.ColorNameButton:
		return rgb(0x33363d)
	case base.ColorNameDisabledButton:
		return rgb(0x292b30)
	case base.ColorNameInputBackground:
		return rgb(0x191a1e)
	case base.ColorNameInputBorder:
		return rgb(0x3b3f47)
	case base.ColorNameMenuBackground, base.ColorNameOverlayBackground:
		return rgb(0x2a2c32)
	case base.ColorNameHeaderBackground:
		return rgb(0x25272c)
	case base.ColorNameSeparator:
		return rgb(0x33363d)
	case base.ColorNameHover:
		return alpha(0xffffff, 0x14)
	case base.ColorNamePressed:
		return alpha(0xffffff, 0x26)
	case base.ColorNameScrollBar:
		return alpha(0xffffff, 0x55)
	case base.ColorNameShadow:
		return alpha(0x000000, 0x50)
	case base.ColorNamePrimary, base.ColorNameHyperlink:
		return rgb(accent)
	case base.ColorNameForegroundOnPrimary:
		return rgb(0x20140c)
	case base.ColorNameFocus:
		return alpha(accent, 0x50)
	case base.ColorNameSelection:
		return alpha(accent, 0x48)
	case base.ColorNameError:
		return rgb(0xe5695e)
	case base.ColorNameWarning:
		return rgb(0xe0b04c)
	case base.ColorNameSuccess:
		return rgb(0x76b58a)
	}
	return nil
}

func lightPalette(name fyne.ThemeColorName) color.Color {
	const accent = 0xb04a16
	switch name {
	case base.ColorNameBackground, ColorNamePanel:
		return rgb(0xf4f3f0)
	case ColorNameStage:
		return rgb(0xdddcd8)
	case base.ColorNameForeground:
		return rgb(0x26282c)
	case base.ColorNamePlaceHolder:
		return rgb(0x6c6f75)
	case base.ColorNameDisabled:
		return rgb(0x7b7d81)
	case base.ColorNameButton:
		return rgb(0xe3e1dc)
	case base.ColorNameDisabledButton:
		return rgb(0xebeae6)
	case base.ColorNameInputBackground:
		return rgb(0xffffff)
	case base.ColorNameInputBorder:
		return rgb(0xcfccc5)
	case base.ColorNameMenuBackground, base.ColorNameOverlayBackground:
		return rgb(0xfbfaf8)
	case base.ColorNameHeaderBackground:
		return rgb(0xeceae6)
	case base.ColorNameSeparator:
		return rgb(0xd9d6d0)
	case base.ColorNameHover:
		return alpha(0x000000, 0x10)
	case base.ColorNamePressed:
		return alpha(0x000000, 0x20)
	case base.ColorNameScrollBar:
		return alpha(0x000000, 0x48)
	case base.ColorNameShadow:
		return alpha(0x000000, 0x28)
	case base.ColorNamePrimary, base.ColorNameHyperlink:
		return rgb(accent)
	case base.ColorNameForegroundOnPrimary:
		return rgb(0xffffff)
	case base.ColorNameFocus:
		return alpha(accent, 0x40)
	case base.ColorNameSelection:
		return alpha(accent, 0x38)
	case base.ColorNameError:
		return rgb(0xb8392f)
	case base.ColorNameWarning:
		return rgb(0x96690a)
	case base.ColorNameSuccess:
		return rgb(0x2f7a4a)
	}
	return nil
}
