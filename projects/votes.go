package projects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"maquette/projects/internal/jsonfile"
)

// votesName is the file, in the project's folder, that holds its votes.
const votesName = "votes.json"

// maxVotesFile bounds that file: some 50,000 votes.
const maxVotesFile = 8 << 20

// Vote is one answer of a blind comparison of two concepts.
type Vote struct {
	Better string    `json:"better"` // ID of the concept that was picked
	Worse  string    `json:"worse"`
	Time   time.Time `json:"time"`
}

type votesFile struct {
	Schema int    `json:"schema"`
	Votes  []Vote `json:"votes"`
}

// Votes returns the project's votes, oldest first. Votes on concepts that have
// been deleted since are among them. Errors: ErrDamaged, ErrNewerSchema.
func (p *Project) Votes(ctx context.Context) ([]Vote, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	f, err := p.readVotes()
	if err != nil {
		return nil, fmt.Errorf("read the votes of %s: %w", p.dir, err)
	}
	return f.Votes, nil
}

// AddVote stores that one concept was picked over another. When it returns
// nil, the vote survives a crash. Errors: those of Votes.
func (p *Project) AddVote(ctx context.Context, better, worse string) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	if !isConceptID(better) || !isConceptID(worse) || better == worse {
		return fmt.Errorf("store a vote: %.40q and %.40q are not two concepts", better, worse)
	}
	return p.changeVotes("store a vote", func(votes []Vote) []Vote { return append(votes, Vote{better, worse, now()}) })
}

// UndoVote takes the newest vote back; without votes it does nothing.
func (p *Project) UndoVote(ctx context.Context) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	return p.changeVotes("take a vote back", func(votes []Vote) []Vote { return votes[:max(len(votes)-1, 0)] })
}

func (p *Project) changeVotes(what string, change func([]Vote) []Vote) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	f, err := p.readVotes()
	if err != nil {
		return fmt.Errorf("%s in %s: %w", what, p.dir, err)
	}
	f.Votes = change(f.Votes)
	data, err := jsonfile.EncodeCompact(f)
	if err == nil {
		err = p.files.Replace(p.root, votesName, data)
	}
	if err != nil {
		return fmt.Errorf("%s in %s: %w", what, p.dir, err)
	}
	return nil
}

func (p *Project) readVotes() (votesFile, error) {
	f := votesFile{Schema: Schema}
	data, err := readFile(p.root, votesName, maxVotesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = decodeVersioned(data, &f)
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", votesName, err)
	}
	return f, nil
}
