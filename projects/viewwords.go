package projects

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"maquette/control/views"
)

// viewPhrases are the words for each eighth of a turn to the right, from the
// front on. The starter was trained with them, and captions of photographs have them.
func viewPhrases() []string {
	return []string{"front view", "three-quarter right view", "side right view", "back three-quarter right view",
		"back view", "back three-quarter left view", "side left view", "three-quarter left view"}
}

// topElevation is the angle in degrees from which on a view is one from above.
const topElevation = 50

const topPhrase = "top view"

// ViewWords are the words that a prompt says a view with, such as "side left
// view". The starter also knows angles in steps of 15°: they follow for a camera
// that has no name.
func ViewWords(c views.Camera, checkpoint string) string {
	turn := func(radians float64, step int) int {
		degrees := math.Round(radians * 180 / math.Pi / float64(step))
		return ((int(degrees)*step)%360 + 360) % 360
	}
	words := viewPhrases()[turn(c.Azimuth, 45)/45]
	elevation := c.Elevation * 180 / math.Pi
	if elevation >= topElevation {
		words = topPhrase
	}
	if _, err := views.Named(views.Name(c.Title())); err == nil || checkpoint != StarterCheckpoint {
		return words
	}
	up := min(max(int(math.Round(elevation/15))*15, 0), 75)
	return fmt.Sprintf("%s, azimuth %d degrees, elevation %d degrees", words, turn(c.Azimuth, 15), up)
}

// withoutView takes phrases that say a view out of a prompt, as the views of a
// set have their own.
func withoutView(prompt string) string {
	known := append(viewPhrases(), topPhrase, "seen from the front", "frontal view", "seen from the front left", "seen from the front right",
		"left side view", "right side view", "seen from the left", "seen from the right", "rear view", "seen from behind",
		"seen from above", "high angle view", "side view", "three-quarter view")
	parts := strings.Split(prompt, ",")
	kept := slices.DeleteFunc(slices.Clone(parts), func(part string) bool {
		part = strings.ToLower(strings.TrimSpace(part))
		return slices.Contains(known, part) || angle(part, "azimuth ") || angle(part, "elevation ")
	})
	if len(kept) == len(parts) {
		return prompt
	}
	return strings.TrimSpace(strings.Join(kept, ","))
}

// angle reports phrases such as "azimuth 45 degrees".
func angle(part, name string) bool {
	number, ok := strings.CutPrefix(part, name)
	number, ends := strings.CutSuffix(number, " degrees")
	return ok && ends && strings.Trim(number, "0123456789") == ""
}
