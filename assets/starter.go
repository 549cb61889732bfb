package assets

import (
	_ "embed" // the starter checkpoint is embedded below
	"strings"
)

//go:embed starter/starter.tar.gz
var starterArchive []byte

//go:embed starter/starter.sha256
var starterHash string

// Starter returns the bundled starter checkpoint: a gzipped tar archive of a
// diffusers folder with its ControlNets, and the archive's hex SHA-256. The
// archive is shared, not a copy: it must not be written to.
func Starter() (archive []byte, sha256 string) {
	// The hash file is in the format of sha256sum, with or without a file name.
	fields := strings.Fields(starterHash)
	if len(fields) == 0 {
		return starterArchive, ""
	}
	return starterArchive, strings.ToLower(fields[0])
}
