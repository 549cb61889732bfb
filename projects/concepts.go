package projects

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"strconv"
	"strings"

	"maquette/projects/internal/jsonfile"
	"maquette/projects/internal/pngtext"
)

// Query selects concepts, newest first.
type Query struct {
	Starred bool
	// Text holds words, in any letter case, that must all occur in the prompt,
	// negative prompt, checkpoint name, view, variant, set's name or number.
	Text   string
	Oldest bool // oldest first
	// By is a number that those with the best one come first by; what was not
	// measured comes last.
	By Order
	// Offset and Limit select a page; a Limit of 0 means all.
	Offset, Limit int
}

// Order is a number that concepts are sorted by.
type Order string

// The orders.
const (
	ByAge       Order = ""          // that of Query.Oldest alone
	ByFidelity  Order = "fidelity"  // those that follow their sketch best
	ByAgreement Order = "agreement" // those whose views agree best
	ByDrift     Order = "drift"     // those whose geometry moved least
)

// Orders lists the orders by a number.
func Orders() []Order { return []Order{ByFidelity, ByAgreement, ByDrift} }

// AddConcept stores an image with its recipe as the project's next concept and
// returns it with ID, Image and, if it was zero, Created filled in. When it
// returns nil, the concept survives a crash and a power cut. When it fails,
// nothing that was there has changed and no concept was added.
func (p *Project) AddConcept(ctx context.Context, img image.Image, c Concept) (Concept, error) {
	if err := p.writable(ctx); err != nil {
		return Concept{}, err
	}
	if err := checkConcept(c); err != nil {
		return Concept{}, fmt.Errorf("add concept: %w", err)
	}
	picture, err := encodePNG(img, png.DefaultCompression)
	if err != nil {
		return Concept{}, fmt.Errorf("add concept: %w", err)
	}
	if c.Created.IsZero() {
		c.Created = now()
	}
	p.writing.Lock()
	c, err = p.storeConcept(picture, c)
	p.writing.Unlock()
	if err != nil {
		return Concept{}, fmt.Errorf("add concept: %w", err)
	}
	p.hub.publish(ConceptAdded{Concept: c})
	return c, nil
}

// storeConcept writes image, then sidecar, under the next free number. The
// sidecar is what makes a concept: a crash in between leaves an image that
// carries its sidecar's text, which is adopted when the project is opened next.
// The caller holds p.writing.
func (p *Project) storeConcept(picture []byte, c Concept) (Concept, error) {
	for {
		c.ID = conceptID(p.next)
		c.Image = conceptImage(c.ID)
		data, s, err := describe(picture, c)
		if err != nil {
			return c, err
		}
		if _, err := p.root.Lstat(conceptSidecar(c.ID)); err == nil {
			p.next++ // someone else's file: leave it alone
			continue
		}
		err = p.files.Add(p.root, c.Image, data)
		if errors.Is(err, fs.ErrExist) {
			p.next++
			continue
		}
		if err == nil {
			err = p.addSidecar(c.ID, s)
		}
		if err != nil {
			// The image would be adopted as a concept that nobody was told of.
			if rmErr := p.root.Remove(c.Image); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
				p.log.Warn("cannot take back the image of a concept that was not stored", "file", c.Image, "error", rmErr)
				p.next++
			}
			return c, err
		}
		p.next++
		p.noteIndexed(c.ID)
		return c, nil
	}
}

// addSidecar writes a new sidecar; one whose folder could not be synced is
// taken back, so that no concept appears that was reported as failed.
func (p *Project) addSidecar(id string, s sidecar) error {
	data, err := jsonfile.Encode(s)
	if err != nil {
		return err
	}
	err = p.files.Add(p.root, conceptSidecar(id), data)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if rmErr := p.root.Remove(conceptSidecar(id)); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			p.log.Warn("cannot take back the sidecar of a concept that was not stored", "id", id, "error", rmErr)
		}
	}
	return err
}

// describe puts the recipe's texts into the PNG and makes the sidecar.
func describe(picture []byte, c Concept) ([]byte, sidecar, error) {
	s := newSidecar(c)
	inside := s
	inside.Starred = false
	text, err := jsonfile.EncodeCompact(inside)
	if err != nil {
		return nil, s, err
	}
	data, err := pngtext.Insert(picture,
		pngtext.Text{Keyword: parametersKeyword, Text: Parameters(c.Recipe, c.Hashes)},
		pngtext.Text{Keyword: sidecarKeyword, Text: string(text)})
	if err != nil {
		return nil, s, err
	}
	s.ImageSHA256 = hexHash(data)
	return data, s, nil
}

func conceptID(n int) string { return fmt.Sprintf("%04d", n) }

func conceptNumber(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil || !isConceptID(id) {
		return 0
	}
	return n
}

// noteIndexed brings the index up to date for one concept. The index is only a
// cache: a failure is logged, and made good when the project is opened next.
func (p *Project) noteIndexed(id string) {
	if err := p.index.refresh(p, id); err != nil {
		p.log.Warn("cannot update the index", "concept", id, "error", err)
	}
}

// Concept returns one concept. Errors: ErrNotFound.
func (p *Project) Concept(ctx context.Context, id string) (Concept, error) {
	if err := p.readable(ctx); err != nil {
		return Concept{}, err
	}
	if !isConceptID(id) {
		return Concept{}, fmt.Errorf("concept %q: %w", id, ErrNotFound)
	}
	data, err := readFile(p.root, conceptSidecar(id), maxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return Concept{}, fmt.Errorf("concept %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Concept{}, fmt.Errorf("concept %s: %w", id, err)
	}
	s, err := parseSidecar(data)
	if err != nil {
		return Concept{}, fmt.Errorf("concept %s: %w", id, err)
	}
	return s.concept(id), nil
}

// Concepts returns a page of the concepts that q selects, and how many it
// selects in all.
func (p *Project) Concepts(ctx context.Context, q Query) ([]Concept, int, error) {
	if err := p.readable(ctx); err != nil {
		return nil, 0, err
	}
	if q.Offset < 0 || q.Limit < 0 {
		return nil, 0, fmt.Errorf("list concepts: negative page %d, %d", q.Offset, q.Limit)
	}
	list, total, err := p.index.query(ctx, q)
	if err != nil {
		return nil, 0, fmt.Errorf("list concepts of %s: %w", p.dir, err)
	}
	return list, total, nil
}

// ConceptImage decodes a concept's image.
func (p *Project) ConceptImage(ctx context.Context, id string) (image.Image, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	if !isConceptID(id) {
		return nil, fmt.Errorf("concept %q: %w", id, ErrNotFound)
	}
	return p.decodeFile(conceptImage(id))
}

// File decodes an image file of the project, such as Concept.Sketch or one of
// Concept.Controls. Errors: ErrName for a file outside the folders for images.
func (p *Project) File(ctx context.Context, name string) (image.Image, error) {
	if err := p.readable(ctx); err != nil {
		return nil, err
	}
	if err := localFile(name); err != nil {
		return nil, err
	}
	return p.decodeFile(name)
}

// SetStarred stars a concept or takes its star away.
func (p *Project) SetStarred(ctx context.Context, id string, starred bool) error {
	if err := p.writable(ctx); err != nil {
		return err
	}
	c, err := p.amend(id, func(s *sidecar) { s.Starred = starred })
	if err != nil {
		return fmt.Errorf("star concept %s: %w", id, err)
	}
	p.hub.publish(ConceptChanged{Concept: c})
	return nil
}

// amend changes a sidecar. Fields of it that this version does not know are kept.
func (p *Project) amend(id string, change func(*sidecar)) (Concept, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if !isConceptID(id) {
		return Concept{}, ErrNotFound
	}
	old, err := readFile(p.root, conceptSidecar(id), maxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return Concept{}, ErrNotFound
	}
	if err != nil {
		return Concept{}, err
	}
	s, err := parseSidecar(old)
	if err != nil {
		return Concept{}, err
	}
	change(&s)
	data, err := jsonfile.Merge(old, s)
	if err != nil {
		return Concept{}, err
	}
	if err := p.files.Replace(p.root, conceptSidecar(id), data); err != nil {
		return Concept{}, err
	}
	p.noteIndexed(id)
	return s.concept(id), nil
}

// searchText is what Query.Text is looked for in.
func searchText(c Concept) string {
	r, set := c.Recipe, ""
	if c.Set != nil {
		set = c.Set.Name
	}
	return fold(strings.Join([]string{c.ID, r.Prompt, r.NegativePrompt, modelName(r.Checkpoint), r.View, r.Variant, set}, "\n"))
}
