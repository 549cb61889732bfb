package assets

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
)

//go:embed clip/merges.txt.gz
var clipMerges []byte

// CLIPMerges returns the merge rules of CLIP's byte pair encoding as text: a
// version line, then 48,894 lines of two symbols each, the most important rule
// first. NOTICE.md says where they come from.
func CLIPMerges() []byte {
	r, err := gzip.NewReader(bytes.NewReader(clipMerges))
	if err != nil {
		panic(fmt.Errorf("embedded CLIP merges: %w", err)) // embedded above, so only a broken build gets here
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Errorf("embedded CLIP merges: %w", err))
	}
	return text
}
