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
	// Controls are the control images' files in the project once they are made.
	Controls []string `json:"controls,omitempty"`
	// Concepts are the IDs of the concepts that the job has stored.
	Concepts []string `json:"concepts,omitempty"`
	// Seeds are those of the images that are stored; Retry leaves them out.
	Seeds []int64 `json:"seeds,omitempty"`
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
	c.Recipe.Controls = slices.Clone(j.Recipe.Controls)
	return c
}

// span is a run of images of a job, by their index.
type span struct{ first, count int }

// missing lists what is not rendered yet.
func (j *Job) missing() []span {
	var spans []span
	for i := range j.Recipe.Count {
		if slices.Contains(j.Seeds, j.Recipe.Seed+int64(i)) {
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
	Schema int    `json:"schema"`
	Jobs   []*Job `json:"jobs"`
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
	var jobs []*Job
	for _, j := range f.Jobs {
		if j == nil || j.ID == "" || j.Sketch != "" && localFile(j.Sketch) != nil {
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
	}
	return nil
}

func (p *Project) saveJobs(jobs []Job) error {
	f := jobsFile{Schema: Schema, Jobs: make([]*Job, len(jobs))}
	for i := range jobs {
		f.Jobs[i] = &jobs[i]
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
