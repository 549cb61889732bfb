package sampler

import "slices"

// The samplers, by the names that recipes use.
const (
	DDIM           = "ddim"
	Euler          = "euler"
	EulerAncestral = "euler_a"
	DPMPP2M        = "dpmpp_2m"
)

// Names lists the samplers in the order in which they are offered.
func Names() []string {
	return []string{DPMPP2M, Euler, EulerAncestral, DDIM}
}

// Known says whether name is a sampler.
func Known(name string) bool {
	return slices.Contains(Names(), name)
}

// Label is the name of a sampler for people, or the name itself where it is unknown.
func Label(name string) string {
	switch name {
	case DDIM:
		return "DDIM"
	case Euler:
		return "Euler"
	case EulerAncestral:
		return "Euler ancestral"
	case DPMPP2M:
		return "DPM++ 2M"
	}
	return name
}

// AllowsKarras says whether the sampler can use the sigma schedule of Karras et
// al. 2022 (arXiv 2206.00364). The others ignore the choice, as in diffusers.
func AllowsKarras(name string) bool {
	return name == Euler || name == DPMPP2M
}
