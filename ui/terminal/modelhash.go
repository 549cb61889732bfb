package terminal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"maquette/inference/checkpoint"
	"maquette/projects"
)

// hashLibrary is a model library that knows its models by their hashes;
// *projects.Library is one.
type hashLibrary interface {
	Models(ctx context.Context) ([]checkpoint.Entry, error)
	HashModel(ctx context.Context, path string, progress func(projects.HashProgress)) (projects.ModelHash, error)
	FindModel(ctx context.Context, hash string, kind checkpoint.Kind, hint string, progress func(projects.HashProgress)) (checkpoint.Entry, error)
	Relocate(ctx context.Context, r projects.Recipe, hashes map[string]string, progress func(projects.HashProgress)) (projects.Recipe, []projects.Moved, error)
}

// hashInfo is what `maquette models hash --json` prints of a model.
type hashInfo struct {
	Path string `json:"path"`
	projects.ModelHash
}

// hashes opens the model library for commands about hashes.
func (s *session) hashes() (hashLibrary, error) {
	log, err := s.logger(noLogging)
	if err != nil {
		return nil, err
	}
	library, err := s.NewLibrary(s.settings(), log)
	if err != nil {
		return nil, err
	}
	l, ok := library.(hashLibrary)
	if !ok {
		return nil, errors.New("this model library keeps no hashes")
	}
	return l, nil
}

func (s *session) modelsHashCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hash [PATH…]",
		Short: "Show the hashes by which recipes name models",
		Long: `Computes the hashes of model files, or of all models of the library: SHA-256,
whose first ten digits are the model hash of AUTOMATIC1111 (AutoV2), AutoV3, by
which LoRAs are named, and AutoV1 of old images. They are remembered as long as
a file does not change.`,
		Example: `  maquette models hash
  maquette models hash ~/models/photo.safetensors --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := s.hashes()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				all, err := l.Models(cmd.Context())
				if err != nil {
					return err
				}
				for _, e := range all {
					args = append(args, e.Path)
				}
				if len(all) == 0 {
					s.note("%s", noModels(s.settings().ModelFolders))
				}
			}
			rows := [][]string{{"AUTOV2", "AUTOV3", "AUTOV1", "SHA-256", "PATH"}}
			for _, path := range args {
				meter := s.hashMeter()
				h, err := l.HashModel(cmd.Context(), path, meter.show)
				meter.finish()
				if err != nil {
					return err
				}
				if path, err = filepath.Abs(path); err != nil {
					return err
				}
				if s.json {
					s.emit(hashInfo{path, h})
					continue
				}
				rows = append(rows, []string{short(h.SHA256, 10), orDash(short(h.Weights, 12)), orDash(h.Old), h.SHA256, path})
			}
			if s.json || len(args) == 0 {
				return nil
			}
			return s.table(rows)
		},
	}
	s.jsonFlag(cmd, "print one JSON object a line")
	return cmd
}

// short is the beginning of a hash.
func short(hash string, digits int) string { return hash[:min(len(hash), digits)] }

func (s *session) modelsFindCommand() *cobra.Command {
	var kind, name string
	cmd := &cobra.Command{
		Use:   "find HASH",
		Short: "Find the model of the library that a hash names",
		Long: `Finds the model that an image was made with: HASH is a SHA-256, the beginning of
one such as AUTOMATIC1111's model hash (AutoV2), AutoV3 of a LoRA, or AutoV1.
Models that were never hashed are hashed until one fits.`,
		Example: `  maquette models find 6ce0161689
  maquette models find 0123456789ab --kind lora --name style`,
		Args: exactly("HASH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := checkpoint.NormalHash(args[0]); err != nil {
				return &usageError{err}
			}
			l, err := s.hashes()
			if err != nil {
				return err
			}
			meter := s.hashMeter()
			e, err := l.FindModel(cmd.Context(), args[0], checkpoint.Kind(kind), name, meter.show)
			meter.finish()
			if err != nil {
				return err
			}
			if s.json {
				s.emit(newModelInfo(e))
				return nil
			}
			fmt.Fprintln(s.Out, e.Path)
			return nil
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "look only among models of `KIND`: checkpoint, controlnet, lora, embedding or vae")
	cmd.Flags().StringVar(&name, "name", "", "look at models of `NAME` first")
	s.jsonFlag(cmd, "print JSON")
	return cmd
}

// hashMeter shows how far hashing is, on a terminal.
func (s *session) hashMeter() *hashMeter { return &hashMeter{s: s} }

type hashMeter struct {
	s    *session
	bar  *progressbar.ProgressBar
	last string
}

// show draws the progress. The errors are those of writing to the terminal;
// there is nowhere left to report them.
func (m *hashMeter) show(p projects.HashProgress) {
	if !m.s.Interactive {
		if p.Path != m.last && !m.s.json {
			m.s.note("hashing %s", p.Path)
		}
		m.last = p.Path
		return
	}
	if m.bar == nil {
		m.bar = progressbar.NewOptions64(p.Total, progressbar.OptionSetWriter(m.s.Err), progressbar.OptionShowBytes(true),
			progressbar.OptionClearOnFinish())
	}
	if p.Path != m.last {
		m.bar.Describe("hashing " + filepath.Base(p.Path))
		m.last = p.Path
	}
	_ = m.bar.Set64(p.Done)
}

func (m *hashMeter) finish() {
	if m.bar != nil {
		_ = m.bar.Clear()
	}
}
