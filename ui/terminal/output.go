package terminal

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// jsonFlag adds --json to a command.
func (s *session) jsonFlag(cmd *cobra.Command, help string) {
	cmd.Flags().BoolVar(&s.json, "json", false, help)
}

// emit writes v as one line of JSON on standard output.
func (s *session) emit(v any) {
	data, err := json.Marshal(v)
	must(err) // the values are structs of this package and projects, made of plain fields
	fmt.Fprintf(s.Out, "%s\n", data)
}

// note writes a line for the user on standard error.
func (s *session) note(format string, args ...any) {
	fmt.Fprintf(s.Err, format+"\n", args...)
}

// table writes rows with aligned columns on standard output.
func (s *session) table(rows [][]string) error {
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// errorEvent is the line of --json that says why a command failed.
type errorEvent struct {
	Event   string `json:"event"` // "error"
	Message string `json:"message"`
}

// humanBytes writes a number of bytes for people.
func humanBytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < 4 {
		value /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[prefix])
}

// plural is "1 concept" or "3 concepts".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// hasDisplay says whether a window can be opened.
func hasDisplay() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
