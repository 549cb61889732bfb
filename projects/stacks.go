package projects

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Stack is what the gallery shows as one: a concept, or all concepts of a set.
type Stack struct {
	// Set is nil for a single concept.
	Set *Set
	// Cover is the single concept, or the set's first one that the query selects.
	Cover Concept
	// Members and Starred count the concepts that the query selects.
	Members, Starred int
	// Agreement and Drift are the means of the numbers that these have as members
	// of their set, see Project.MeasureSet; nil where none has one.
	Agreement, Drift *float64
}

// Stacks returns a page of the gallery: like Concepts, with the concepts of a set
// in one Stack at the place of its newest. Offset, Limit and the total count stacks.
func (p *Project) Stacks(ctx context.Context, q Query) ([]Stack, int, error) {
	if err := p.readable(ctx); err != nil {
		return nil, 0, err
	}
	if q.Offset < 0 || q.Limit < 0 {
		return nil, 0, fmt.Errorf("list stacks: negative page %d, %d", q.Offset, q.Limit)
	}
	list, total, err := p.index.stacks(ctx, q, false)
	if err != nil {
		return nil, 0, fmt.Errorf("list stacks of %s: %w", p.dir, err)
	}
	return list, total, nil
}

// Sets returns the project's sets, newest first.
func (p *Project) Sets(ctx context.Context) ([]Stack, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	list, _, err := p.index.stacks(ctx, Query{}, true)
	if err != nil {
		return nil, fmt.Errorf("list sets of %s: %w", p.dir, err)
	}
	return list, nil
}

// Members returns a set and its concepts in the order of their places; where a
// place was rendered more than once, the newest comes first. Errors: ErrNotFound.
func (p *Project) Members(ctx context.Context, setID string) (Set, []Concept, error) {
	if err := p.readable(ctx); err != nil {
		return Set{}, nil, err
	}
	list, err := p.index.list(ctx, "WHERE set_id != '' AND set_id = ? ORDER BY place, number DESC", setID)
	if err != nil {
		return Set{}, nil, fmt.Errorf("members of set %s: %w", setID, err)
	}
	if len(list) == 0 {
		return Set{}, nil, fmt.Errorf("set %q: %w", setID, ErrNotFound)
	}
	set := list[0].Set.Set
	for _, c := range list {
		if c.Set.Revision > set.Revision {
			set = c.Set.Set
		}
	}
	return set, list, nil
}

// RenameSet gives a set another name. Errors: ErrNotFound.
func (p *Project) RenameSet(ctx context.Context, setID, name string) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	name = strings.TrimSpace(name)
	if n := len([]rune(name)); n < 1 || n > maxSetName {
		return fmt.Errorf("rename set: %w: use 1 to %d letters", ErrName, maxSetName)
	}
	set, members, err := p.Members(ctx, setID)
	if err != nil {
		return fmt.Errorf("rename set: %w", err)
	}
	for _, m := range members {
		c, err := p.amend(m.ID, func(s *sidecar) {
			if s.Set != nil {
				s.Set.Name, s.Set.Revision = name, set.Revision+1
			}
		})
		if errors.Is(err, ErrNotFound) {
			continue // it went to the trash meanwhile
		}
		if err != nil {
			return fmt.Errorf("rename set: concept %s: %w", m.ID, err)
		}
		p.hub.publish(ConceptChanged{Concept: c})
	}
	return nil
}

// TrashSet moves all concepts of a set to the trash, see Trash. Restore brings
// them and with them the set back. Jobs of the set that still wait are the
// queue's: cancel them first with Queue.CancelSet.
func (p *Project) TrashSet(ctx context.Context, setID string) (Trashed, error) {
	_, members, err := p.Members(ctx, setID)
	if err != nil {
		return Trashed{}, fmt.Errorf("move to the trash: %w", err)
	}
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	return p.Trash(ctx, ids...)
}

// stacks lists a page of stacks, or of sets only.
func (ix *index) stacks(ctx context.Context, q Query, setsOnly bool) ([]Stack, int, error) {
	where, args := q.where()
	if setsOnly {
		where += " AND set_id != ''"
	}
	var total int
	if err := ix.db.QueryRowContext(ctx, "SELECT count(DISTINCT stack) FROM concepts WHERE "+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	order, limit := q.page(orderColumns{"newest", "best", "agrees", "moved"})
	// The cover is the first place's newest concept. The name of a set comes from
	// the member that was renamed last, which differs only after a crash.
	rows, err := ix.db.QueryContext(ctx, `
		SELECT c.id, c.sidecar, g.members, g.stars, g.agrees, g.moved,
			(SELECT sidecar FROM concepts r WHERE r.stack = g.stack AND r.revision > c.revision ORDER BY r.revision DESC LIMIT 1)
		FROM (SELECT stack, max(number) AS newest, max(fidelity) AS best,
				avg(agreement) AS agrees, avg(drift) AS moved, count(*) AS members, sum(starred) AS stars,
				min(printf('%s%09d', place, 999999999 - number)) AS first
			FROM concepts WHERE `+where+` GROUP BY stack ORDER BY `+order+` LIMIT ? OFFSET ?) g
		JOIN concepts c ON c.stack = g.stack AND printf('%s%09d', c.place, 999999999 - c.number) = g.first
		ORDER BY `+order, append(args, limit, q.Offset)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var list []Stack
	for rows.Next() {
		var id string
		var data, renamed sql.RawBytes
		var st Stack
		if err := rows.Scan(&id, &data, &st.Members, &st.Starred, &st.Agreement, &st.Drift, &renamed); err != nil {
			return nil, 0, err
		}
		s, err := parseSidecar(data)
		if err != nil {
			return nil, 0, fmt.Errorf("index: concept %s: %w", id, err)
		}
		st.Cover = s.concept(id)
		if st.Cover.Set != nil {
			set := st.Cover.Set.Set
			if newer, err := parseSidecar(renamed); len(renamed) > 0 && err == nil && newer.Set != nil {
				set = newer.Set.Set
			}
			st.Set = &set
		}
		list = append(list, st)
	}
	return list, total, rows.Err()
}
