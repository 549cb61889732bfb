package prompt

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxStrength bounds the strength of a LoRA; more only gives noise.
const maxStrength = 20

// LoRA is a LoRA that a prompt calls.
type LoRA struct {
	// Name is as in the prompt: usually the file's name without its ending.
	Name string
	// UNet and Text are the strengths in the UNet and in the text encoder.
	UNet, Text float64
}

// ExtractLoRAs takes the LoRAs out of a prompt, as AUTOMATIC1111 reads them:
//
//	<lora:name>                  strength 1
//	<lora:name:0.8>              of both
//	<lora:name:0.5:0.8>          of the text encoder, of the UNet
//	<lora:name:te=0.5:unet=0.8>  the same by name
//
// <lyco:…> means the same. The rest of the prompt is as it was, and so are
// angle brackets with anything else. Errors are *SyntaxError values.
func ExtractLoRAs(text string) (rest string, list []LoRA, err error) {
	var b strings.Builder
	end := 0
	for _, m := range regexp.MustCompile(`<(lora|lyco|hypernet):([^<>]*)>`).FindAllStringSubmatchIndex(text, -1) {
		kind, args := text[m[2]:m[3]], text[m[4]:m[5]]
		if kind == "hypernet" {
			return "", nil, syntaxError(text, m[0], "hypernetworks are not supported; take %s out", text[m[0]:m[1]])
		}
		l, problem := parseLoRA(args)
		if problem != "" {
			return "", nil, syntaxError(text, m[0], "%s: %s", text[m[0]:m[1]], problem)
		}
		list = append(list, l)
		b.WriteString(text[end:m[0]])
		end = m[1]
	}
	return b.String() + text[end:], list, nil
}

// parseLoRA reads what stands after "lora:"; problem is empty where it can be read.
func parseLoRA(args string) (l LoRA, problem string) {
	fields := strings.Split(args, ":")
	l = LoRA{Name: strings.TrimSpace(fields[0]), UNet: 1, Text: 1}
	if l.Name == "" {
		return l, "the LoRA has no name"
	}
	place := 0
	unetGiven := false
	for _, f := range fields[1:] {
		name, value, named := strings.Cut(f, "=")
		if !named {
			value = f
			if place > 1 {
				return l, "more than two strengths"
			}
			name = [...]string{"te", "unet"}[place]
			place++
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > maxStrength {
			return l, "the strength " + strconv.Quote(value) + " is not a number from -20 to 20"
		}
		switch strings.TrimSpace(name) {
		case "te":
			l.Text = v
		case "unet":
			l.UNet, unetGiven = v, true
		default:
			return l, strconv.Quote(name) + " is not known; known are te and unet"
		}
	}
	if !unetGiven {
		l.UNet = l.Text
	}
	return l, ""
}
