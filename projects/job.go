package projects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"maquette/inference"
)

// JobState is the state of a job.
type JobState string

// The states of a job.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
	// JobInterrupted: the app ended before the job did. Retry goes on with it.
	JobInterrupted JobState = "interrupted"
)

// Finished reports whether the job stays as it is until somebody retries it.
func (s JobState) Finished() bool { return s != JobQueued && s != JobRunning }

// Job is one render in a queue. Jobs are handed out as copies.
type Job struct {
	ID       string   `json:"id"`
	SketchID string   `json:"sketch_id,omitempty"`
	Recipe   Recipe   `json:"recipe"`
	State    JobState `json:"state"`
	// Error says why a job failed, in a sentence for the user.
	Error string `json:"error,omitempty"`
	// Cause is the error of a job that failed in this session, for errors.Is and
	// errors.As; it is not stored.
	Cause   error     `json:"-"`
	Created time.Time `json:"created"`
	// Started and Finished are zero while the job has not got there.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Sketch is the file in the project with the exact input of the render, or "".
	Sketch string `json:"sketch,omitempty"`
	// Drawings are the files in the project with the user's own drawings of views,
	// by camera as in Recipe.Views.
	Drawings map[string]string `json:"drawings,omitempty"`
	// Controls are the control images' files in the project once they are made;
	// with Recipe.Views those of each view in turn.
	Controls []string `json:"controls,omitempty"`
	// Concepts are the IDs of the concepts that the job has stored.
	Concepts []string `json:"concepts,omitempty"`
	// Seeds are those of the images that are stored.
	Seeds []int64 `json:"seeds,omitempty"`
	// Images are the indices of the images that are stored; Retry leaves them out.
	Images []int `json:"images,omitempty"`
	// Set is the set that the images belong to, or nil, and At their places in it,
	// one for each of Recipe.Count.
	Set *Set    `json:"-"` // see storedJob
	At  [][]int `json:"at,omitempty"`
	// Notes are sentences for the user, such as a fallback to another provider.
	Notes []string `json:"notes,omitempty"`
	// Progress is how far a running job is; it is not stored.
	Progress inference.Progress `json:"-"`
}

func (j *Job) clone() Job {
	c := *j
	c.Controls = slices.Clone(j.Controls)
	c.Concepts = slices.Clone(j.Concepts)
	c.Seeds = slices.Clone(j.Seeds)
	c.Notes = slices.Clone(j.Notes)
	c.Images = slices.Clone(j.Images)
	c.Recipe = j.Recipe.clone()
	return c
}

// imageOf returns the index among the job's images that a concept of it has; -1 if none.
func (j *Job) imageOf(c Concept) int {
	if j.Set == nil {
		if i := c.Recipe.Seed - j.Recipe.Seed; i >= 0 && i < int64(j.Recipe.Count) {
			return int(i)
		}
		return -1
	}
	if c.Set == nil || c.Set.ID != j.Set.ID {
		return -1
	}
	return slices.IndexFunc(j.At, func(at []int) bool { return slices.Equal(at, c.Set.At) })
}

// place is the place of image i in the job's set, or nil.
func (j *Job) place(i int) *Place {
	if j.Set == nil || i >= len(j.At) {
		return nil
	}
	return &Place{Set: *j.Set, At: j.At[i]}
}

// sound reports whether a job that was read from a file can be used.
func (j *Job) sound() bool {
	if j.ID == "" || j.Sketch != "" && localFile(j.Sketch) != nil {
		return false
	}
	for _, name := range j.Drawings {
		if localFile(name) != nil {
			return false
		}
	}
	if v := j.Recipe.Views; v != nil && len(v.Cameras) == 0 {
		return false
	}
	return j.Set == nil && j.At == nil || j.Set != nil && len(j.At) == j.Recipe.Count && j.placesSound()
}

func (j *Job) placesSound() bool {
	for i := range j.At {
		if !j.place(i).sound() {
			return false
		}
	}
	return true
}

// addNotes adds sentences for the user that are not there yet.
func (j *Job) addNotes(notes ...string) {
	for _, n := range notes {
		if n != "" && !slices.Contains(j.Notes, n) {
			j.Notes = append(j.Notes, n)
		}
	}
}

// span is a run of images of a job, by their index.
type span struct{ first, count int }

// missing lists what is not rendered yet.
func (j *Job) missing() []span {
	var spans []span
	for i := range j.Recipe.Count {
		if slices.Contains(j.Images, i) || j.Set == nil && slices.Contains(j.Seeds, j.Recipe.Seed+int64(i)) {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].first+spans[n-1].count == i {
			spans[n-1].count++
		} else {
			spans = append(spans, span{i, 1})
		}
	}
	return spans
}

const (
	jobsName = ".maquette/queue/jobs.json"
	// keepFinished is how many finished jobs are remembered.
	keepFinished = 100
	maxJobsFile  = 64 << 20 // bytes
)

// jobsFile is the content of the queue's file.
type jobsFile struct {
	Schema int          `json:"schema"`
	Jobs   []*storedJob `json:"jobs"`
	// Sets are those of the jobs, each once: a set of many long phrases would make
	// the file large otherwise.
	Sets []*Set `json:"sets,omitempty"`
}

// storedJob is a job in the queue's file.
type storedJob struct {
	*Job
	SetID string `json:"set_id,omitempty"`
}

// loadJobs reads the queue that the last session left. Jobs that were running
// or waiting then become interrupted: they are offered again, not started
// unasked. An unreadable file is kept under another name.
func (p *Project) loadJobs(ctx context.Context) ([]*Job, error) {
	data, err := readFile(p.root, jobsName, maxJobsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var f jobsFile
	if err == nil {
		err = decodeVersioned(data, &f)
	}
	if err != nil {
		kept := jobsName + ".damaged"
		return nil, errors.Join(fmt.Errorf("render queue: %w; it starts empty, the old one is kept as %s", err, kept), p.root.Rename(jobsName, kept))
	}
	sets := map[string]*Set{}
	for _, s := range f.Sets {
		if s != nil {
			sets[s.ID] = s
		}
	}
	var jobs []*Job
	for _, stored := range f.Jobs {
		if stored == nil || stored.Job == nil {
			continue
		}
		j := stored.Job
		if j.Set = sets[stored.SetID]; !j.sound() {
			continue
		}
		if !j.State.Finished() {
			j.State = JobInterrupted
		}
		if j.State == JobInterrupted {
			if err := p.findStored(ctx, j); err != nil {
				return nil, err
			}
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// findStored notes the concepts of a job that were stored after the queue's
// file was: a crash may come between the two.
func (p *Project) findStored(ctx context.Context, j *Job) error {
	stored, err := p.index.ofJob(ctx, j.ID)
	if err != nil {
		return fmt.Errorf("render queue: %w", err)
	}
	for _, c := range stored {
		if !slices.Contains(j.Concepts, c.ID) {
			j.Concepts = append(j.Concepts, c.ID)
		}
		if !slices.Contains(j.Seeds, c.Recipe.Seed) {
			j.Seeds = append(j.Seeds, c.Recipe.Seed)
		}
		if i := j.imageOf(c); i >= 0 && !slices.Contains(j.Images, i) {
			j.Images = append(j.Images, i)
		}
	}
	return nil
}

func (p *Project) saveJobs(jobs []Job) error {
	f := jobsFile{Schema: Schema, Jobs: make([]*storedJob, len(jobs))}
	seen := map[string]bool{}
	for i := range jobs {
		f.Jobs[i] = &storedJob{Job: &jobs[i]}
		if s := jobs[i].Set; s != nil {
			f.Jobs[i].SetID = s.ID
			if !seen[s.ID] {
				seen[s.ID] = true
				f.Sets = append(f.Sets, s)
			}
		}
	}
	data, err := json.Marshal(f)
	if err == nil {
		err = p.files.Replace(p.root, jobsName, data)
	}
	if err != nil {
		return fmt.Errorf("save render queue: %w", err)
	}
	return nil
}
