package projects

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestVotesAreKeptAndTakenBack(t *testing.T) {
	ctx := context.Background()
	p := newProject(t)
	for _, v := range [][2]string{{"0001", "0002"}, {"0003", "0001"}} {
		if err := p.AddVote(ctx, v[0], v[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range [][2]string{{"0001", "0001"}, {"../x", "0001"}, {"0001", ""}} {
		if err := p.AddVote(ctx, v[0], v[1]); err == nil {
			t.Errorf("a vote on %q was stored", v)
		}
	}
	p = reopen(t, p)
	if err := p.UndoVote(ctx); err != nil {
		t.Fatal(err)
	}
	votes, err := p.Votes(ctx)
	if err != nil || len(votes) != 1 || votes[0].Better != "0001" || votes[0].Worse != "0002" || votes[0].Time.IsZero() {
		t.Errorf("votes %+v, %v", votes, err)
	}
}

func TestDamagedVotesStayAsTheyAre(t *testing.T) {
	p := newProject(t)
	file := filepath.Join(p.Dir(), votesName)
	const text = `{"schema":1,"votes":[{"better":"0001"`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.AddVote(context.Background(), "0001", "0002"); !errors.Is(err, ErrDamaged) {
		t.Errorf("the error is %v", err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != text {
		t.Errorf("the file holds %q, %v", data, err)
	}
}
