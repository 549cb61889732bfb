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
		seed, a.strength.object))
	return a
}

func (a *advanced) show(v View) {
	r := v.Recipe
	a.steps.show(float64(r.Steps))
	a.guidance.show(r.Guidance)
	a.strength.show(r.Strength)
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
