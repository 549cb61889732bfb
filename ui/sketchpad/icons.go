package sketchpad

import (
	"fmt"
	"hash/fnv"
	"image/color"

	"fyne.io/fyne/v2"
)

// icon is the line work of an icon on a grid of 24, as SVG elements without colour. Fyne colours filled icons only; these
// are strokes, so they get their colour when a resource is made of them.
type icon string

// The icons of the tool strip.
const (
	iconBrush icon = `<path d="M20.5 3.5 L10.8 13.2"/>` +
		`<path d="M10.8 13.2 C7.8 12.2 5.8 14.2 5.7 16.8 C5.6 18.4 4.7 19.5 3.5 20 C6.6 21.1 11.2 20.5 11.8 16.4 C12 15.2 11.6 14 10.8 13.2 Z"/>`
	iconEraser icon = `<path d="M8.6 19.5 L4.4 15.3 C3.6 14.5 3.6 13.5 4.4 12.7 L12.4 4.7 C13.2 3.9 14.2 3.9 15 4.7 L19.2 8.9 C20 9.7 20 10.7 19.2 11.5 L11.2 19.5 Z"/>` +
		`<path d="M8.5 8.7 L15.2 15.4"/><path d="M11.2 19.5 L20.5 19.5"/>`
	iconLine      icon = `<path d="M6.3 17.7 L17.7 6.3"/><circle cx="5" cy="19" r="1.8"/><circle cx="19" cy="5" r="1.8"/>`
	iconRectangle icon = `<path d="M4 6 L20 6 L20 18 L4 18 Z"/>`
	iconEllipse   icon = `<ellipse cx="12" cy="12" rx="8.5" ry="6.5"/>`
	iconPolygon   icon = `<path d="M12 3.8 L20.2 9.8 L17.1 19.5 L6.9 19.5 L3.8 9.8 Z"/>`
	iconMirror    icon = `<path d="M12 3 L12 5.6"/><path d="M12 8 L12 10.8"/><path d="M12 13.2 L12 16"/><path d="M12 18.4 L12 21"/>` +
		`<path d="M8.8 6.5 L3 17.5 L8.8 17.5 Z"/><path d="M15.2 6.5 L21 17.5 L15.2 17.5 Z"/>`
	iconFlip icon = `<path d="M3 12 L5.6 12"/><path d="M8 12 L10.8 12"/><path d="M13.2 12 L16 12"/><path d="M18.4 12 L21 12"/>` +
		`<path d="M6.5 8.8 L17.5 3 L17.5 8.8 Z"/><path d="M6.5 15.2 L17.5 21 L17.5 15.2 Z"/>`
	iconSnap icon = `<path d="M5.5 4 L5.5 12.5 C5.5 16.3 8.4 19.5 12 19.5 C15.6 19.5 18.5 16.3 18.5 12.5 L18.5 4 L14.3 4 L14.3 12.5 C14.3 14 13.3 15.2 12 15.2 C10.7 15.2 9.7 14 9.7 12.5 L9.7 4 Z"/>` +
		`<path d="M5.5 8 L9.7 8"/><path d="M14.3 8 L18.5 8"/>`
	iconGuides icon = `<path d="M4 4 L20 4 L20 20 L4 20 Z"/><path d="M9.3 4 L9.3 20"/><path d="M14.7 4 L14.7 20"/>` +
		`<path d="M4 9.3 L20 9.3"/><path d="M4 14.7 L20 14.7"/>`
	iconCanvas icon = `<path d="M6.5 3 L6.5 17.5 L21 17.5"/><path d="M3 6.5 L17.5 6.5 L17.5 21"/>`
	iconClear  icon = `<path d="M4.5 7 L19.5 7"/><path d="M9.5 4 L14.5 4"/><path d="M6.5 7 L7.5 20 L16.5 20 L17.5 7"/>` +
		`<path d="M10.3 10.5 L10.3 16.5"/><path d="M13.7 10.5 L13.7 16.5"/>`
	iconMask icon = `<path d="M12 4 C16.5 4 20 7.4 20 12 C20 16.6 16.5 20 12 20 C7.5 20 4 16.6 4 12 C4 7.4 7.5 4 12 4 Z"/>` +
		`<path d="M6.5 17.2 L17.2 6.5"/><path d="M4.6 13.6 L13.6 4.6"/><path d="M10.4 19.4 L19.4 10.4"/>`
	iconUnmask icon = `<path d="M12 4 C16.5 4 20 7.4 20 12 C20 16.6 16.5 20 12 20 C7.5 20 4 16.6 4 12 C4 7.4 7.5 4 12 4 Z"/>` +
		`<path d="M8 12 L16 12"/>`
	iconRemove icon = `<path d="M7 7 L17 17"/><path d="M17 7 L7 17"/>`
)

// resource returns the icon in a colour.
func (i icon) resource(c color.Color) fyne.Resource {
	r, g, b, _ := c.RGBA()
	ink := fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">` +
		`<g fill="none" stroke="` + ink + `" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">` +
		string(i) + `</g></svg>`
	// Fyne caches what it draws by name.
	name := fnv.New64a()
	_, _ = name.Write([]byte(svg)) // a hash takes anything
	return fyne.NewStaticResource(fmt.Sprintf("sketchpad-%x.svg", name.Sum64()), []byte(svg))
}
