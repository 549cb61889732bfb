//go:build race

package projects

// raceDetector tells that the tests run several times slower than the app.
const raceDetector = true
