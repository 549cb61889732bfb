//go:build linux && cgo

package runtime

/*
#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
static void trim(void) { malloc_trim(0); }
#else
static void trim(void) {}
#endif
*/
import "C"

// trimHeap gives what ONNX Runtime has freed back to the system. While a model is
// loaded, weights are converted and packed one after the other, and glibc keeps
// what that leaves behind for the program.
func trimHeap() { C.trim() }
