//go:build !linux || !cgo

package runtime

// trimHeap does nothing: other systems' allocators give memory back by themselves.
func trimHeap() {}
