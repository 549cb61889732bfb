package measure

import "math"

// Lab is a colour in CIE L*a*b* (D65, 2°): lightness 0…100, green to red, blue
// to yellow.
type Lab [3]float64

// LabOf converts an sRGB colour of channels 0…255.
func LabOf(r, g, b float64) Lab {
	linear := func(v float64) float64 {
		if v /= 255; v > .04045 {
			return math.Pow((v+.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	r, g, b = linear(r), linear(g), linear(b)
	f := func(t float64) float64 {
		if t > .008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16./116
	}
	// IEC 61966-2-1, and the white point of D65.
	x := f((.412453*r + .357580*g + .180423*b) / .95047)
	y := f(.212671*r + .715160*g + .072169*b)
	z := f((.019334*r + .119193*g + .950227*b) / 1.08883)
	return Lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// ColourDistance is CIEDE2000 with all weights 1: below 1 no eye sees it, from
// about 5 on everyone does (Sharma, Wu and Dalal, "The CIEDE2000 color-difference
// formula", 2005).
func ColourDistance(p, q Lab) float64 {
	const deg = math.Pi / 180
	c1, c2 := math.Hypot(p[1], p[2]), math.Hypot(q[1], q[2])
	pow7 := func(v float64) float64 { return math.Pow(v, 7) }
	mean7 := pow7((c1 + c2) / 2)
	g := .5 * (1 - math.Sqrt(mean7/(mean7+pow7(25))))
	a1, a2 := (1+g)*p[1], (1+g)*q[1]
	c1, c2 = math.Hypot(a1, p[2]), math.Hypot(a2, q[2])
	hue := func(a, b float64) float64 {
		if a == 0 && b == 0 {
			return 0
		}
		if h := math.Atan2(b, a) / deg; h >= 0 {
			return h
		} else {
			return h + 360
		}
	}
	h1, h2 := hue(a1, p[2]), hue(a2, q[2])
	dh, mh := h2-h1, h1+h2
	switch {
	case c1*c2 == 0:
		dh = 0
	case math.Abs(dh) <= 180:
		mh /= 2
	case mh < 360:
		mh = (mh + 360) / 2
	default:
		mh = (mh - 360) / 2
	}
	if dh > 180 {
		dh -= 360
	} else if dh < -180 {
		dh += 360
	}
	dl, dc := q[0]-p[0], c2-c1
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(dh/2*deg)
	ml, mc := (p[0]+q[0])/2, (c1+c2)/2
	t := 1 - .17*math.Cos((mh-30)*deg) + .24*math.Cos(2*mh*deg) + .32*math.Cos((3*mh+6)*deg) - .20*math.Cos((4*mh-63)*deg)
	l50 := (ml - 50) * (ml - 50)
	sl, sc, sh := 1+.015*l50/math.Sqrt(20+l50), 1+.045*mc, 1+.015*mc*t
	turn := 30 * math.Exp(-((mh-275)/25)*((mh-275)/25))
	rt := -2 * math.Sqrt(pow7(mc)/(pow7(mc)+pow7(25))) * math.Sin(2*turn*deg)
	l, c, h := dl/sl, dc/sc, dH/sh
	return math.Sqrt(max(l*l+c*c+h*h+rt*c*h, 0))
}
