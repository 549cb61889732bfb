package terminal

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what `maquette version --json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	System   string `json:"system"`
}

func (s *session) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{Version: s.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
			if build, ok := debug.ReadBuildInfo(); ok {
				for _, setting := range build.Settings {
					switch setting.Key {
					case "vcs.revision":
						v.Revision = setting.Value
					case "vcs.modified":
						v.Modified = setting.Value == "true"
					}
				}
			}
			if s.json {
				s.emit(v)
				return nil
			}
			text := "maquette " + v.Version
			if v.Revision != "" {
				text += " (" + v.Revision[:min(12, len(v.Revision))]
				if v.Modified {
					text += ", modified"
				}
				text += ")"
			}
			fmt.Fprintf(s.Out, "%s, %s, %s\n", text, v.Go, v.System)
			return nil
		},
	}
	s.jsonFlag(cmd, "print JSON")
	return cmd
}
