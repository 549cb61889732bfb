// Package windowtest drives the real window in tests. Its code needs the build
// tag window.
package windowtest
