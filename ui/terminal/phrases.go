package terminal

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"maquette/projects/phrases"
)

func (s *session) phrasesCommand() *cobra.Command {
	return group("phrases", "Ready sets of phrases for variants",
		`Ready sets of phrases, such as facade materials, for --vary of 'maquette render'
and for the studio. They are a JSON file beside the settings, for you to change.`,
		s.phrasesListCommand(), s.phrasesEditCommand(), s.phrasesResetCommand())
}

func (s *session) phrasesListCommand() *cobra.Command {
	var language string
	cmd := &cobra.Command{
		Use:   "ls [SET]",
		Short: "List the sets, or the phrases of one",
		Example: `  maquette phrases ls
  maquette phrases ls facade`,
		Args: between(0, "SET"),
		RunE: func(_ *cobra.Command, args []string) error {
			sets, err := phrases.Load()
			if err != nil {
				if len(sets) == 0 {
					return err
				}
				s.note("%v", err)
			}
			if language == "" {
				language = s.settings().Language
			}
			if len(args) == 1 {
				return s.listPhrases(sets, args[0], language)
			}
			return s.listPhraseSets(sets, language)
		},
	}
	cmd.Flags().StringVar(&language, "language", "", "language of the labels, such as en or zh (default: that of the settings)")
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

func (s *session) listPhraseSets(sets []phrases.Set, language string) error {
	rows := [][]string{{"SET", "AREA", "NAME", "PHRASES"}}
	for _, set := range sets {
		if s.json {
			s.emit(set)
			continue
		}
		var titles []string
		for _, p := range set.Phrases {
			titles = append(titles, p.Title(language))
		}
		rows = append(rows, []string{set.ID, set.Area, set.Title(language), clip(strings.Join(titles, ", "), 70)})
	}
	if s.json {
		return nil
	}
	return s.table(rows)
}

func (s *session) listPhrases(sets []phrases.Set, id, language string) error {
	var known []string
	for _, set := range sets {
		known = append(known, set.ID)
		if !strings.EqualFold(set.ID, id) {
			continue
		}
		rows := [][]string{{"PHRASE", "TEXT"}}
		for _, p := range set.Phrases {
			if s.json {
				s.emit(p)
				continue
			}
			rows = append(rows, []string{p.Title(language), p.Text})
		}
		if s.json {
			return nil
		}
		return s.table(rows)
	}
	return fmt.Errorf("there is no set of phrases %q; there are %s", id, strings.Join(known, ", "))
}

func (s *session) phrasesEditCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "edit",
		Short:   "Make the file of your own phrases, if there is none, and print its path",
		Example: `  $EDITOR "$(maquette phrases edit)"`,
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			path, err := phrases.Edit()
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out, path)
			return nil
		},
	}
}

func (s *session) phrasesResetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Go back to the phrases that come with the app; yours are kept as phrases.json.old",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			return phrases.Reset()
		},
	}
}
