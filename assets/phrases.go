package assets

import _ "embed" // the phrases are embedded below

//go:embed phrases/phrases.json
var phrases []byte

// Phrases returns the ready sets of phrases for variants, as JSON; the package
// projects/phrases reads them.
func Phrases() []byte { return phrases }
