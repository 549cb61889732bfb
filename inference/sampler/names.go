package sampler

import "slices"

// The samplers, by the names that recipes use.
const (
	DDIM           = "ddim"
	Euler          = "euler"
	EulerAncestral = "euler_a"
	Heun           = "heun"
	DPMPP2M        = "dpmpp_2m"
	DPMPP2MSDE     = "dpmpp_2m_sde"
	DPMPPSDE       = "dpmpp_sde"
	DPMPP3MSDE     = "dpmpp_3m_sde"
	UniPC          = "uni_pc"
	LCM            = "lcm"
	TCD            = "tcd"
)

// Names lists the samplers in the order in which they are offered.
func Names() []string {
	return []string{DPMPP2M, DPMPP2MSDE, DPMPPSDE, DPMPP3MSDE, UniPC, Euler, EulerAncestral, Heun, DDIM, LCM, TCD}
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
	case Heun:
		return "Heun"
	case DPMPP2M:
		return "DPM++ 2M"
	case DPMPP2MSDE:
		return "DPM++ 2M SDE"
	case DPMPPSDE:
		return "DPM++ SDE"
	case DPMPP3MSDE:
		return "DPM++ 3M SDE"
	case UniPC:
		return "UniPC"
	case LCM:
		return "LCM"
	case TCD:
		return "TCD"
	}
	return name
}

// AllowsKarras says whether the sampler can use the schedule Karras.
func AllowsKarras(name string) bool {
	return slices.Contains(Schedules(name), Karras)
}

// twoPasses says whether the sampler asks the model twice in all steps but the last.
func twoPasses(name string) bool {
	return name == Heun || name == DPMPPSDE
}
