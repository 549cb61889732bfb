package prompt

import "fmt"

// SyntaxError reports a place in a prompt that can't be read.
type SyntaxError struct {
	// File is the wildcard file in which the place is, or empty for the prompt itself.
	File string
	// Line and Column count from 1; columns are characters.
	Line, Column int
	// Problem says what is wrong, without a full stop.
	Problem string
}

func (e *SyntaxError) Error() string {
	if e.File != "" {
		return fmt.Sprintf("%s, line %d, character %d: %s", e.File, e.Line, e.Column, e.Problem)
	}
	return fmt.Sprintf("prompt, line %d, character %d: %s", e.Line, e.Column, e.Problem)
}

// syntaxError is an error at a byte of text.
func syntaxError(text string, at int, format string, args ...any) *SyntaxError {
	line, column := 1, 1
	for i, r := range text {
		if i >= at {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return &SyntaxError{Line: line, Column: column, Problem: fmt.Sprintf(format, args...)}
}
