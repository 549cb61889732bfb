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
	palette       map[fyne.ThemeColorName][2]color.Color
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
		palette: palette(),
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
	if c, ok := t.palette[name]; ok {
		if variant == base.VariantLight {
			return c[1]
		}
		return c[0]
	}
	return base.DefaultTheme().Color(name, variant)
}

// alpha is the colour 0xRRGGBB with an opacity.
func alpha(v uint32, a uint8) color.Color {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: a}
}

// opaque is alpha(v, 0xff) for the eye. Fyne 2.7 takes the lowest byte of 95 % of
// the text colour's 16-bit alpha as the alpha of the shortcuts in menus, which
// leaves a fifth of it for 0xffff; here they get 0xf0 of 0xff.
func opaque(v uint32) color.Color {
	wide := func(b uint32) uint16 { return uint16(b&0xff) * 0x101 }
	return color.RGBA64{R: wide(v >> 16), G: wide(v >> 8), B: wide(v), A: 0xffba}
}

// palette lists the colours of the two variants that differ from Fyne's, the dark one first.
func palette() map[fyne.ThemeColorName][2]color.Color {
	const darkAccent, lightAccent = 0xf08a4b, 0xb04a16
	return map[fyne.ThemeColorName][2]color.Color{
		base.ColorNameBackground:          {alpha(0x202226, 0xff), alpha(0xf4f3f0, 0xff)},
		ColorNamePanel:                    {alpha(0x202226, 0xff), alpha(0xf4f3f0, 0xff)},
		ColorNameStage:                    {alpha(0x17181b, 0xff), alpha(0xdddcd8, 0xff)},
		base.ColorNameForeground:          {opaque(0xe8e7e3), opaque(0x26282c)},
		base.ColorNamePlaceHolder:         {alpha(0x9a9da4, 0xff), alpha(0x6c6f75, 0xff)},
		base.ColorNameDisabled:            {alpha(0x868a92, 0xff), alpha(0x7b7d81, 0xff)},
		base.ColorNameButton:              {alpha(0x33363d, 0xff), alpha(0xe3e1dc, 0xff)},
		base.ColorNameDisabledButton:      {alpha(0x292b30, 0xff), alpha(0xebeae6, 0xff)},
		base.ColorNameInputBackground:     {alpha(0x191a1e, 0xff), alpha(0xffffff, 0xff)},
		base.ColorNameInputBorder:         {alpha(0x3b3f47, 0xff), alpha(0xcfccc5, 0xff)},
		base.ColorNameMenuBackground:      {alpha(0x2a2c32, 0xff), alpha(0xfbfaf8, 0xff)},
		base.ColorNameOverlayBackground:   {alpha(0x2a2c32, 0xff), alpha(0xfbfaf8, 0xff)},
		base.ColorNameHeaderBackground:    {alpha(0x25272c, 0xff), alpha(0xeceae6, 0xff)},
		base.ColorNameSeparator:           {alpha(0x33363d, 0xff), alpha(0xd9d6d0, 0xff)},
		base.ColorNameHover:               {alpha(0xffffff, 0x14), alpha(0x000000, 0x10)},
		base.ColorNamePressed:             {alpha(0xffffff, 0x26), alpha(0x000000, 0x20)},
		base.ColorNameScrollBar:           {alpha(0xffffff, 0x55), alpha(0x000000, 0x48)},
		base.ColorNameShadow:              {alpha(0x000000, 0x50), alpha(0x000000, 0x28)},
		base.ColorNamePrimary:             {alpha(darkAccent, 0xff), alpha(lightAccent, 0xff)},
		base.ColorNameHyperlink:           {alpha(darkAccent, 0xff), alpha(lightAccent, 0xff)},
		base.ColorNameForegroundOnPrimary: {alpha(0x20140c, 0xff), alpha(0xffffff, 0xff)},
		base.ColorNameFocus:               {alpha(darkAccent, 0x50), alpha(lightAccent, 0x40)},
		base.ColorNameSelection:           {alpha(darkAccent, 0x48), alpha(lightAccent, 0x38)},
		base.ColorNameError:               {alpha(0xe5695e, 0xff), alpha(0xb8392f, 0xff)},
		base.ColorNameWarning:             {alpha(0xe0b04c, 0xff), alpha(0x96690a, 0xff)},
		base.ColorNameSuccess:             {alpha(0x76b58a, 0xff), alpha(0x2f7a4a, 0xff)},
	}
}
