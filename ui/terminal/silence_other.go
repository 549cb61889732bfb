//go:build !unix

package terminal

// silence runs do. Only on Unix native libraries share the standard error that
// a program can redirect.
func silence(do func()) error {
	do()
	return nil
}
