package panels

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"maquette/inference/sampler"
	"maquette/projects"
)

// advanced holds what few users change.
type advanced struct {
	in              *Inspector
	icons           Icons
	fold            *fold
	steps, guidance *number
	strength        *number
	rescale, skip   *number
	noise           *widget.Select
	vae             *widget.Select
	vaes            []string // paths, after the checkpoint's own
	sampler         *widget.Select
	schedule        *widget.Select
	schedules       []string // of the shown sampler
	seed            *widget.Entry
	lock            *widget.Button
	locked          bool
}

func newAdvanced(in *Inspector, icons Icons) *advanced {
	a := &advanced{in: in, icons: icons}
	a.steps = newNumber(lang.L("Steps"), lang.L("How often the picture is refined. More is finer and slower."), 1, 100, 1, 0,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.Steps = int(v) }) })
	a.guidance = newNumber(lang.L("Guidance"), lang.L("How strictly the picture follows the prompt; 1 turns it off."), 1, 20, 0.5, 1,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.Guidance = v }) })
	a.strength = newNumber(lang.L("Strength"), lang.L("How much of the drawing's own colours is painted over. 0 and 1 start from noise alone."), 0, 1, 0.05, 2,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.Strength = v }) })
	var labels []string
	for _, name := range sampler.Names() {
		labels = append(labels, sampler.Label(name))
	}
	a.sampler = widget.NewSelect(labels, nil)
	a.sampler.OnChanged = func(string) {
		if i := a.sampler.SelectedIndex(); i >= 0 && i < len(sampler.Names()) {
			in.edit(func(r *projects.Recipe) {
				r.Sampler = sampler.Names()[i]
				if !slices.Contains(sampler.Schedules(r.Sampler), r.Schedule) {
					r.Schedule = ""
				}
			})
		}
	}
	a.schedule = widget.NewSelect(nil, nil)
	a.schedule.OnChanged = func(string) {
		if i := a.schedule.SelectedIndex(); i >= 0 && i < len(a.schedules) {
			name := a.schedules[i]
			in.edit(func(r *projects.Recipe) { r.Schedule = name })
		}
	}
	a.rescale = newNumber(lang.L("Rescale"), lang.L("Takes back this part of the contrast that guidance adds. 0.7 suits checkpoints whose pictures come out too dark or too bright."), 0, 1, 0.05, 2,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.GuidanceRescale = v }) })
	a.skip = newNumber(lang.L("Clip skip"), lang.L("Which of the last layers that read the prompt is used; 0 is the checkpoint's usual one. Many checkpoints for drawings want 2."), 0, 12, 1, 0,
		func(v float64) { in.edit(func(r *projects.Recipe) { r.ClipSkip = int(v) }) })
	a.noise = widget.NewSelect([]string{lang.L("as in ComfyUI"), lang.L("as in AUTOMATIC1111")}, nil)
	a.noise.OnChanged = func(string) {
		noise := ""
		if a.noise.SelectedIndex() == 1 {
			noise = sampler.NoisePhilox
		}
		in.edit(func(r *projects.Recipe) { r.Noise = noise })
	}
	a.vae = widget.NewSelect(nil, nil)
	a.vae.OnChanged = func(string) {
		if i := a.vae.SelectedIndex(); i >= 0 && i < len(a.vaes) {
			path := a.vaes[i]
			in.edit(func(r *projects.Recipe) { r.VAE = path })
		}
	}
	a.seed = widget.NewEntry()
	a.seed.OnChanged = func(text string) {
		if v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && v >= 0 {
			in.edit(func(r *projects.Recipe) { r.Seed = v })
		}
	}
	a.seed.Validator = func(text string) error {
		v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err == nil && v < 0 {
			err = strconv.ErrRange
		}
		return err
	}
	lock, lockObject := iconButton(icons.Unlock, lang.L("Keep the seed: the same recipe gives the same picture"), func() { in.intents.LockSeed(!a.locked) })
	a.lock = lock
	_, dice := iconButton(icons.Dice, lang.L("New seed"), func() { in.intents.NewSeed() })
	seed := labelled(lang.L("Seed"), lang.L("The number that decides the noise a picture grows from."),
		container.NewBorder(nil, nil, nil, container.NewHBox(lockObject, dice), a.seed))
	a.fold = newFold(lang.L("Advanced"), false, container.NewVBox(
		a.steps.object, a.guidance.object,
		labelled(lang.L("Sampler"), lang.L("The way from noise to picture."), a.sampler),
		labelled(lang.L("Schedule"), lang.L("How the steps are spread over the noise. Karras spends more of them on fine detail."), a.schedule),
		seed,
		labelled(lang.L("Noise"), lang.L("Which program's pictures a seed repeats."), a.noise),
		a.strength.object, a.rescale.object, a.skip.object,
		labelled(lang.L("VAE"), lang.L("What turns the result into colours and fine detail. Most checkpoints bring their own."), a.vae)))
	return a
}

func (a *advanced) show(v View) {
	r := v.Recipe
	a.steps.show(float64(r.Steps))
	a.guidance.show(r.Guidance)
	a.strength.show(r.Strength)
	a.rescale.show(r.GuidanceRescale)
	a.skip.show(float64(r.ClipSkip))
	a.noise.SetSelectedIndex(map[bool]int{true: 1}[r.Noise == sampler.NoisePhilox])
	a.showVAE(v)
	if i := slices.Index(sampler.Names(), r.Sampler); i >= 0 {
		a.sampler.SetSelectedIndex(i)
	} else {
		a.sampler.ClearSelected()
	}
	a.showSchedule(r)
	if shown, err := strconv.ParseInt(strings.TrimSpace(a.seed.Text), 10, 64); err != nil || shown != r.Seed {
		a.seed.SetText(strconv.FormatInt(r.Seed, 10))
	}
	a.locked = v.SeedLocked
	var icon fyne.Resource = a.icons.Unlock
	a.lock.Importance = widget.LowImportance
	if v.SeedLocked {
		icon = a.icons.Lock
		a.lock.Importance = widget.MediumImportance
	}
	a.lock.SetIcon(icon)
}

// showSchedule offers the schedules that the recipe's sampler takes.
func (a *advanced) showSchedule(r projects.Recipe) {
	a.schedules = sampler.Schedules(r.Sampler)
	labels := make([]string, len(a.schedules))
	for i, name := range a.schedules {
		labels[i] = sampler.ScheduleLabel(name)
	}
	if !slices.Equal(a.schedule.Options, labels) {
		a.schedule.SetOptions(labels)
	}
	if i := slices.Index(a.schedules, cmp.Or(r.Schedule, sampler.Normal)); i >= 0 {
		a.schedule.SetSelectedIndex(i)
	} else {
		a.schedule.ClearSelected()
	}
	if len(a.schedules) > 1 {
		a.schedule.Enable()
	} else {
		a.schedule.Disable()
	}
}

// showVAE offers the checkpoint's own VAE and those of the library.
func (a *advanced) showVAE(v View) {
	labels, paths := []string{lang.L("Checkpoint's own")}, []string{""}
	for _, c := range v.VAEs {
		labels, paths = append(labels, c.Name), append(paths, c.Path)
	}
	at := slices.Index(paths, v.Recipe.VAE)
	if at < 0 { // named, or not in the folders any more
		at = len(paths)
		labels, paths = append(labels, projects.ModelName(v.Recipe.VAE)), append(paths, v.Recipe.VAE)
	}
	a.vaes = paths
	if !slices.Equal(a.vae.Options, labels) {
		a.vae.SetOptions(labels)
	}
	if a.vae.SelectedIndex() != at {
		a.vae.SetSelectedIndex(at)
	}
}
