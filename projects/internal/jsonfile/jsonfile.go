// Package jsonfile writes JSON files for people to read, and keeps what other
// versions of the program put into them.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// Encode writes v indented, with a newline at the end.
func Encode(v any) ([]byte, error) { return encode(v, "  ") }

// EncodeCompact writes v in one line. Characters that matter in HTML only stay
// as they are, also in a json.RawMessage.
func EncodeCompact(v any) ([]byte, error) { return encode(v, "") }

func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Merge writes the struct v over the JSON object old, keeping fields that v
// does not have. Where old is not an object, the result is v.
func Merge(old []byte, v any) ([]byte, error) {
	data, err := Encode(v)
	if err != nil {
		return nil, err
	}
	var unknown, known map[string]json.RawMessage
	if json.Unmarshal(old, &unknown) != nil || json.Unmarshal(data, &known) != nil {
		return data, nil
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(unknown, key)
	}
	if len(unknown) == 0 {
		return data, nil
	}
	for key, value := range unknown {
		known[key] = value
	}
	return Encode(known)
}
