package evaluate

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"maquette/control"
	"maquette/projects"
	"maquette/projects/measure"
)

// picture is one to look at.
type picture struct {
	file   string
	prompt string // "" where none is known
}

func isPicture(path string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg", ".webp"}, strings.ToLower(filepath.Ext(path)))
}

// maxLooked is how many pictures of a source networks look at.
const maxLooked = 5000

// How many pictures numbers need to mean something.
const (
	// fewKID: below it, KID's interval is as wide as the differences that matter.
	fewKID = 100
	// fewFID: with fewer pictures than features the covariance has no full rank,
	// and the sample's size decides the FID.
	fewFID = 2048
	// fewScore: the Inception Score can't be more than the number of pictures, and
	// published ones are of 50,000.
	fewScore = 1000
)

// looked are a source's pictures as networks see them.
type looked struct {
	features, logits measure.Features
	clip             measure.Features
	prompts          []float64 // similarities of pictures and their prompts
}

func (l *looked) add(o looked) {
	l.features, l.logits = append(l.features, o.features...), append(l.logits, o.logits...)
	l.clip, l.prompts = append(l.clip, o.clip...), append(l.prompts, o.prompts...)
}

// look adds what networks say to the report.
func (r *run) look(ctx context.Context) (err error) {
	if r.options.Vision == nil {
		if r.options.Against != "" {
			return errors.New("pictures can't be compared with others without networks")
		}
		return nil
	}
	var others []picture
	if r.options.Against != "" {
		if others, err = against(ctx, r.options.Against); err != nil {
			return err
		}
	}
	v, err := r.options.Vision(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	r.report.Missing = v.Missing
	if v.Inception == nil && v.CLIP == nil {
		return nil
	}
	var reference *looked
	if r.options.Against != "" {
		if reference, err = r.see(ctx, v, r.options.Against, others, true); err != nil {
			return err
		}
	}
	all := &looked{}
	for i := range r.report.Sources {
		s := &r.report.Sources[i]
		seen, err := r.see(ctx, v, s.Path, r.pictures[i], reference != nil)
		if err != nil {
			return err
		}
		if err := compare(ctx, seen, reference, &s.Scores); err != nil {
			return err
		}
		all.add(*seen)
	}
	if len(r.report.Sources) == 1 {
		one := r.report.Sources[0].Scores
		a := &r.report.All
		a.KID, a.FID, a.InceptionScore, a.Prompt, a.Reference = one.KID, one.FID, one.InceptionScore, one.Prompt, one.Reference
	} else if err := compare(ctx, all, reference, &r.report.All); err != nil {
		return err
	}
	r.caution(all, reference)
	return nil
}

// against lists the pictures of a project or folder.
func against(ctx context.Context, path string) ([]picture, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	p, err := projects.OpenReadOnly(ctx, path)
	if errors.Is(err, projects.ErrNotProject) {
		return folder(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	concepts, _, err := p.Concepts(ctx, projects.Query{})
	list := make([]picture, len(concepts))
	for i, c := range concepts {
		list[i] = picture{file: filepath.Join(p.Dir(), filepath.FromSlash(c.Image))}
	}
	return list, errors.Join(err, p.Close())
}

// see shows pictures to the networks. compared says that there are others to
// compare them with.
func (r *run) see(ctx context.Context, v *projects.Vision, path string, list []picture, compared bool) (*looked, error) {
	out := &looked{}
	inception := v.Inception != nil && (compared || v.Inception.Classes())
	clip := v.CLIP != nil && (compared || v.CLIP.ReadsText())
	if !inception && !clip {
		return out, nil
	}
	if n := len(list); n > maxLooked {
		r.warn("%s: networks looked at %d of %d pictures", path, maxLooked, n)
		some := make([]picture, maxLooked)
		for i := range some {
			some[i] = list[i*n/maxLooked]
		}
		list = some
	}
	texts := map[string][]float32{}
	for i, p := range list {
		r.options.Progress(Progress{path, StageNetworks, i, len(list)})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := control.OpenImage(p.file)
		if err != nil {
			r.warn("%s was left out: %v", p.file, err)
			continue
		}
		if inception {
			features, logits, err := v.Inception.Look(ctx, img)
			if err != nil {
				return nil, err
			}
			out.features = append(out.features, features)
			if logits != nil {
				out.logits = append(out.logits, logits)
			}
		}
		if !clip {
			continue
		}
		seen, err := v.CLIP.Image(ctx, img)
		if err != nil {
			return nil, err
		}
		out.clip = append(out.clip, seen)
		if p.prompt == "" || !v.CLIP.ReadsText() {
			continue
		}
		if texts[p.prompt] == nil {
			if texts[p.prompt], err = v.CLIP.Text(ctx, p.prompt); err != nil {
				return nil, err
			}
		}
		out.prompts = append(out.prompts, measure.Cosine(seen, texts[p.prompt]))
	}
	return out, nil
}

// compare fills in the numbers of networks.
func compare(ctx context.Context, seen, reference *looked, to *Scores) error {
	if len(seen.prompts) > 0 {
		i := measure.Bootstrap(seen.prompts)
		to.Prompt = &i
	}
	if len(seen.logits) > 1 {
		i, err := measure.InceptionScore(seen.logits)
		if err != nil {
			return err
		}
		to.InceptionScore = &i
	}
	if reference == nil {
		return nil
	}
	if len(seen.features) > 1 && len(reference.features) > 1 {
		kid, err := measure.KID(ctx, seen.features, reference.features)
		if err != nil {
			return err
		}
		fid, err := measure.FID(ctx, seen.features, reference.features)
		if err != nil {
			return err
		}
		to.KID, to.FID = &kid, &fid
	}
	if len(seen.clip) > 0 && len(reference.clip) > 0 {
		means := make([]float64, len(seen.clip))
		for i, a := range seen.clip {
			for _, b := range reference.clip {
				means[i] += measure.Cosine(a, b) / float64(len(reference.clip))
			}
		}
		i := measure.Bootstrap(means)
		to.Reference = &i
	}
	return nil
}

// caution warns of numbers that are of too few pictures.
func (r *run) caution(all, reference *looked) {
	if r.report.All.InceptionScore != nil && len(all.logits) < fewScore {
		r.warn("the Inception Score of %d pictures means little: it can't be above their number, and needs %d or more", len(all.logits), fewScore)
	}
	if r.report.All.KID == nil {
		return
	}
	n := min(len(all.features), len(reference.features))
	if n < fewKID {
		r.warn("the KID of %d pictures against %d means little: look at its interval, or use %d or more of each",
			len(all.features), len(reference.features), fewKID)
	}
	if n < fewFID {
		r.warn("the FID of %d pictures against %d measures mostly how few they are: it needs more than %d of each; use the KID",
			len(all.features), len(reference.features), fewFID)
	}
}
