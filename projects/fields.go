package projects

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"maquette/control"
	"maquette/inference/sampler"
)

// Field is a recipe field that the members of a set can differ in. Its values
// are texts, as they are typed and stored; FormatFloat and FormatInt of strconv
// give their one spelling.
type Field struct {
	// Name is what a matrix calls the field, such as "control.weight". Fields of
	// the second control are called "control2.weight", and so on.
	Name string
	// Label is the field's English name for people, which the window translates.
	Label string
	// Help says which values it takes.
	Help string
	// Words are the values that it takes, where those are names; nil for others.
	Words []string
	// Number is true for fields that take ranges, Whole for those of integers.
	Number, Whole bool

	low, high float64
	// weight orders renders: fields that take long to change, such as the
	// checkpoint, change seldom.
	weight int
	// model is true for values that name a model of the library.
	model bool
	// text is true for free text.
	text bool
	// set puts a checked value into a recipe; n counts controls from 0.
	set func(r *Recipe, n int, v fieldValue) error
}

// fieldValue is a value in both its forms; number is 0 for texts.
type fieldValue struct {
	text   string
	number float64
}

// FieldError reports a value that a field doesn't take, or a field that there is not.
type FieldError struct {
	Field, Value string
	// Problem says what is wrong, without a full stop.
	Problem string
}

func (e *FieldError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Field, e.Problem)
	}
	return fmt.Sprintf("%s=%s: %s", e.Field, e.Value, e.Problem)
}

// Fields lists the recipe fields that sets can vary, beside phrases.
func Fields() []Field {
	number := func(name string, low, high float64, set func(*Recipe, float64)) Field {
		return Field{Name: name, Help: fmt.Sprintf("%g to %g", low, high), Number: true, low: low, high: high,
			set: func(r *Recipe, _ int, v fieldValue) error { set(r, v.number); return nil }}
	}
	whole := func(name string, low, high float64, set func(*Recipe, float64)) Field {
		f := number(name, low, high, set)
		f.Whole = true
		f.Help = fmt.Sprintf("a whole number from %.0f to %.0f", low, high)
		return f
	}
	words := func(name string, list []string, set func(*Recipe, string)) Field {
		return Field{Name: name, Help: strings.Join(list, ", "), Words: list,
			set: func(r *Recipe, _ int, v fieldValue) error { set(r, v.text); return nil }}
	}
	text := func(name, help string, set func(*Recipe, string)) Field {
		return Field{Name: name, Help: help, text: true,
			set: func(r *Recipe, _ int, v fieldValue) error { set(r, v.text); return nil }}
	}
	fields := []Field{
		whole("seed", 0, math.MaxUint32, func(r *Recipe, v float64) { r.Seed = int64(v) }),
		text("prompt", "a whole prompt", func(r *Recipe, v string) { r.Prompt = v }),
		text("negative", "a negative prompt", func(r *Recipe, v string) { r.NegativePrompt = v }),
		{Name: "checkpoint", Help: "a path, or a name in the model library", model: true, weight: 4,
			set: func(r *Recipe, _ int, v fieldValue) error { r.Checkpoint = v.text; return nil }},
		words("sampler", sampler.Names(), func(r *Recipe, v string) {
			r.Sampler = v
			if !slices.Contains(sampler.Schedules(v), r.Schedule) {
				r.Schedule = ""
			}
		}),
		{Name: "schedule", Help: strings.Join(sampler.Schedules(""), ", "), Words: sampler.Schedules(""), set: setSchedule},
		words("noise", []string{sampler.NoiseTorch, sampler.NoisePhilox}, func(r *Recipe, v string) { r.Noise = v }),
		whole("clip_skip", 0, maxClipSkip, func(r *Recipe, v float64) { r.ClipSkip = int(v) }),
		number("guidance_rescale", 0, 1, func(r *Recipe, v float64) { r.GuidanceRescale = v }),
		{Name: "vae", Help: "a path, or a name in the model library", model: true, weight: 2,
			set: func(r *Recipe, _ int, v fieldValue) error { r.VAE = v.text; return nil }},
		whole("steps", 1, maxSteps, func(r *Recipe, v float64) { r.Steps = int(v) }),
		number("guidance", 0, maxGuidance, func(r *Recipe, v float64) { r.Guidance = v }),
		number("strength", 0, 1, func(r *Recipe, v float64) { r.Strength = v }),
		{Name: "size", Help: "WIDTHxHEIGHT or one side, multiples of 8", weight: 3, set: setSize},
	}
	fields = slices.Concat(fields, loraFields(), controlFields())
	for i := range fields {
		fields[i].Label = fieldLabel(fields[i].Name)
	}
	return fields
}

// fieldLabel names a field for people, with the inspector's words.
func fieldLabel(name string) string {
	switch name {
	case "negative":
		return "Negative prompt"
	case "vae":
		return "VAE"
	case "lora":
		return "LoRA"
	case "lora.weight":
		return "LoRA strength"
	}
	words := strings.NewReplacer(".", " ", "_", " ").Replace(name)
	return strings.ToUpper(words[:1]) + words[1:]
}

// noLoRA is the value of the field "lora" for none.
const noLoRA = "none"

// loraFields are the fields of one LoRA.
func loraFields() []Field {
	return []Field{
		{Name: "lora", Help: "a path, a name in the model library, or " + noLoRA, model: true, weight: 3, set: func(r *Recipe, n int, v fieldValue) error {
			switch {
			case v.text == noLoRA && n < len(r.LoRAs):
				r.LoRAs[n].UNet, r.LoRAs[n].Text = 0, 0
			case v.text == noLoRA:
			case n < len(r.LoRAs):
				r.LoRAs[n].Path = v.text
			case n == len(r.LoRAs):
				r.LoRAs = append(r.LoRAs, RecipeLoRA{Path: v.text, UNet: 1, Text: 1})
			default:
				return fmt.Errorf("the recipe has %d LoRAs", len(r.LoRAs))
			}
			return nil
		}},
		{Name: "lora.weight", Help: fmt.Sprintf("%d to %d", -maxStrength, maxStrength), Number: true, low: -maxStrength, high: maxStrength, weight: 1,
			set: func(r *Recipe, n int, v fieldValue) error {
				if n >= len(r.LoRAs) {
					return fmt.Errorf("the recipe has no LoRA %d; name one with the field lora before", n+1)
				}
				r.LoRAs[n].UNet, r.LoRAs[n].Text = v.number, v.number
				return nil
			}},
	}
}

// controlFields are the fields of one control.
func controlFields() []Field {
	number := func(name string, high float64, set func(*RecipeControl, float64)) Field {
		return Field{Name: name, Help: fmt.Sprintf("0 to %g", high), Number: true, high: high,
			set: func(r *Recipe, n int, v fieldValue) error { set(&r.Controls[n], v.number); return nil }}
	}
	return []Field{
		number("control.weight", maxWeight, func(c *RecipeControl, v float64) { c.Weight = v }),
		number("control.start", 1, func(c *RecipeControl, v float64) { c.Start = v }),
		number("control.end", 1, func(c *RecipeControl, v float64) { c.End = v }),
		{Name: "control.kind", Help: "a control kind, such as canny or lineart", weight: 2, set: func(r *Recipe, n int, v fieldValue) error {
			kind := control.Kind(v.text)
			if _, err := control.For(kind); err != nil {
				return err
			}
			// Parameters and ControlNet belong to the kind.
			c := &r.Controls[n]
			if c.Kind != kind {
				c.Kind, c.Params, c.ControlNet = kind, nil, ""
			}
			return nil
		}},
	}
}

// setSchedule refuses a schedule that the recipe's sampler can't use; the probe
// of Field.Check has no sampler and takes all.
func setSchedule(r *Recipe, _ int, v fieldValue) error {
	if known := sampler.Schedules(r.Sampler); !slices.Contains(known, v.text) {
		return fmt.Errorf("the sampler %s takes %s", r.Sampler, strings.Join(known, ", "))
	}
	r.Schedule = v.text
	return nil
}

func setSize(r *Recipe, _ int, v fieldValue) error {
	w, h, both := strings.Cut(strings.ReplaceAll(v.text, "×", "x"), "x")
	if !both {
		h = w
	}
	width, errW := strconv.Atoi(strings.TrimSpace(w))
	height, errH := strconv.Atoi(strings.TrimSpace(h))
	if errW != nil || errH != nil || !validSide(width) || !validSide(height) {
		return fmt.Errorf("sides must be multiples of 8 between %d and %d, such as 512 or 512x768", minSide, maxSide)
	}
	r.Width, r.Height = width, height
	return nil
}

// fieldName splits "control2.weight" into the field's name and the number.
const fieldName = `^(control|lora)([1-9][0-9]?)?(\..*)?$`

// LookupField finds a field by the name that a matrix calls it. index counts
// controls and LoRAs from 0. The error is a *FieldError.
func LookupField(name string) (f Field, index int, err error) {
	plain := strings.ToLower(strings.TrimSpace(name))
	if m := regexp.MustCompile(fieldName).FindStringSubmatch(plain); m != nil {
		if m[2] != "" {
			index, _ = strconv.Atoi(m[2]) // two digits
			index--
		}
		plain = m[1] + m[3]
	}
	plain = aliases(plain)
	var names []string
	for _, f := range Fields() {
		if f.Name == plain {
			return f, index, nil
		}
		names = append(names, f.Name)
	}
	return Field{}, 0, &FieldError{Field: strings.TrimSpace(name), Problem: fmt.Sprintf("there is no such field%s; there are %s",
		nearest(plain, names), strings.Join(names, ", "))}
}

// aliases are other names that users know fields by.
func aliases(name string) string {
	switch name {
	case "model":
		return "checkpoint"
	case "cfg", "cfg_scale":
		return "guidance"
	case "negative_prompt":
		return "negative"
	case "control":
		return "control.kind"
	}
	return name
}

// nearest proposes the name that is most like a misspelt one.
func nearest(name string, names []string) string {
	best, distance := "", 3
	for _, n := range names {
		if d := editDistance(name, n); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance is the Levenshtein distance of two short ASCII texts.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Check returns the one spelling of a value, or a *FieldError.
func (f Field) Check(value string) (string, error) {
	v, err := f.read(value)
	return v.text, err
}

func (f Field) read(value string) (fieldValue, error) {
	fail := func(format string, args ...any) (fieldValue, error) {
		return fieldValue{}, &FieldError{Field: f.Name, Value: value, Problem: fmt.Sprintf(format, args...)}
	}
	value = strings.TrimSpace(value)
	switch {
	case len(value) > maxSetText:
		value = value[:40] + "…"
		return fail("more than %d bytes", maxSetText)
	case f.Number:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fail("not a number")
		}
		if n < f.low || n > f.high {
			return fail("must be %s", f.Help)
		}
		if f.Whole && n != math.Trunc(n) {
			return fail("must be a whole number")
		}
		return fieldValue{formatNumber(n), n}, nil
	case f.text:
		return fieldValue{text: value}, nil
	case value == "":
		return fail("there is no value")
	case f.Words != nil:
		value = strings.ToLower(value)
		if !slices.Contains(f.Words, value) {
			return fail("not one of %s", strings.Join(f.Words, ", "))
		}
		return fieldValue{text: value}, nil
	case f.model:
		return fieldValue{text: value}, nil
	}
	// What is left is checked by setting it.
	probe := Recipe{Controls: make([]RecipeControl, 1)}
	if err := f.set(&probe, 0, fieldValue{text: value}); err != nil {
		return fail("%v", err)
	}
	return fieldValue{text: value}, nil
}

// Apply puts a value into a recipe. r's lists must be its own.
func (f Field) Apply(r *Recipe, index int, value string) error {
	v, err := f.read(value)
	if err != nil {
		return err
	}
	if strings.HasPrefix(f.Name, "control.") && index >= len(r.Controls) {
		return &FieldError{Field: f.Name, Value: value, Problem: fmt.Sprintf("the recipe has no control %d", index+1)}
	}
	if err := f.set(r, index, v); err != nil {
		return &FieldError{Field: f.Name, Value: value, Problem: err.Error()}
	}
	return nil
}

// formatNumber writes a number without what binary fractions add to it.
func formatNumber(n float64) string {
	if n == math.Trunc(n) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(math.Round(n*1e9)/1e9, 'f', -1, 64)
}
