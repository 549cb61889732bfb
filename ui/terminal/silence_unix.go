//go:build unix

package terminal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// silence runs do while what native libraries write to the process's standard
// error is dropped.
func silence(do func()) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	kept, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return errors.Join(err, null.Close())
	}
	err = errors.Join(unix.Dup2(int(null.Fd()), unix.Stderr), null.Close())
	if err == nil {
		do()
	}
	return errors.Join(err, unix.Dup2(kept, unix.Stderr), unix.Close(kept))
}
