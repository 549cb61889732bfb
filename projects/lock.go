package projects

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"maquette/projects/internal/jsonfile"
)

// lockOwner tells who holds the lock; it is for messages only.
type lockOwner struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// noteOwner tells others who has the lock. It is also the first write: a folder
// that cannot be written to is found out here. A full disk is no reason not to
// open a project: its owner may want to delete something.
func (p *Project) noteOwner() error {
	host, _ := os.Hostname() // "" will do
	data, err := jsonfile.Encode(lockOwner{os.Getpid(), host, now()})
	if err == nil {
		err = p.files.Replace(p.root, ownerName, data)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("open project %s: its folder cannot be written to: %w; open it for reading only", p.dir, err)
	}
	if err != nil {
		p.log.Warn("cannot note who has the project open", "error", err)
	}
	return nil
}

// owner describes the holder of the lock for a message, or is empty.
func (p *Project) owner() string {
	data, err := readFile(p.root, ownerName, maxProjectFile)
	var o lockOwner
	if err != nil || json.Unmarshal(data, &o) != nil || o.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" (process %d on %s, since %s)", o.PID, o.Host, o.Since.Local().Format("2006-01-02 15:04"))
}
