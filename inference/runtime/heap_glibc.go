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
// loaded, weights are converted and packed one after the other; glibc keeps what
// that leaves behind: after a full-size checkpoint hundreds of megabytes.
func trimHeap() { C.trim() }
