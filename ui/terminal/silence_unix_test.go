//go:build unix

package terminal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSilence writes to the descriptor of standard error, as C code does.
func TestSilence(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := unix.Dup(unix.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup2(int(file.Fd()), unix.Stderr); err != nil {
		t.Fatal(err)
	}
	write := func(text string) error {
		_, err := unix.Write(unix.Stderr, []byte(text))
		return err
	}
	ran := false
	err = errors.Join(
		write("before "),
		silence(func() { ran = write("during ") == nil }),
		write("after"),
		unix.Dup2(kept, unix.Stderr), unix.Close(kept),
	)
	if err != nil || !ran {
		t.Fatalf("ran %v, %v", ran, err)
	}
	got, err := os.ReadFile(file.Name())
	if err != nil || string(got) != "before after" {
		t.Errorf("got %q, %v", got, err)
	}
}
