package tray

import "math"

// shape is a signed distance field (after Quilez, "2D distance functions"): how
// far a point lies outside, negative inside. The picture spans -1 to 1, y down.
type shape func(x, y float64) float64

func nothing(float64, float64) float64 { return math.Inf(1) }

func disc(cx, cy, radius float64) shape {
	return func(x, y float64) float64 { return math.Hypot(x-cx, y-cy) - radius }
}

// line is a stroke with round ends through the points given as x, y, x, y …
func line(width float64, points ...float64) shape {
	return func(x, y float64) float64 {
		d := math.Inf(1)
		for i := 0; i+3 < len(points); i += 2 {
			d = math.Min(d, segment(x, y, points[i], points[i+1], points[i+2], points[i+3]))
		}
		return d - width/2
	}
}

// segment is the distance of a point from a segment.
func segment(x, y, ax, ay, bx, by float64) float64 {
	px, py, dx, dy := x-ax, y-ay, bx-ax, by-ay
	along := math.Max(0, math.Min(1, (px*dx+py*dy)/(dx*dx+dy*dy)))
	return math.Hypot(px-dx*along, py-dy*along)
}

// arc is a stroke along a circle around the middle, over the angles (radians,
// clockwise from the right) within half of middle.
func arc(radius, width, middle, half float64) shape {
	return func(x, y float64) float64 {
		angle := math.Remainder(math.Atan2(y, x)-middle, 2*math.Pi)
		angle = math.Max(-half, math.Min(half, angle)) + middle
		return math.Hypot(x-radius*math.Cos(angle), y-radius*math.Sin(angle)) - width/2
	}
}

// triangle is filled, its corners rounded by a radius.
func triangle(radius, ax, ay, bx, by, cx, cy float64) shape {
	side := func(x, y, ax, ay, bx, by float64) float64 { return (bx-ax)*(y-ay) - (by-ay)*(x-ax) }
	return func(x, y float64) float64 {
		d := math.Min(segment(x, y, ax, ay, bx, by), math.Min(segment(x, y, bx, by, cx, cy), segment(x, y, cx, cy, ax, ay)))
		p, q, r := side(x, y, ax, ay, bx, by), side(x, y, bx, by, cx, cy), side(x, y, cx, cy, ax, ay)
		if p >= 0 && q >= 0 && r >= 0 || p <= 0 && q <= 0 && r <= 0 {
			d = -d
		}
		return d - radius
	}
}

func union(shapes ...shape) shape {
	return func(x, y float64) float64 {
		d := math.Inf(1)
		for _, s := range shapes {
			d = math.Min(d, s(x, y))
		}
		return d
	}
}

// without is a with b cut out of it.
func without(a, b shape) shape {
	return func(x, y float64) float64 { return math.Max(a(x, y), -b(x, y)) }
}

func check(x, y float64) float64 {
	return line(0.24, -0.42, 0.04, -0.12, 0.36, 0.44, -0.32)(x, y)
}

// arrows are two half turns that chase each other.
func arrows(x, y float64) float64 {
	half := func(x, y float64) float64 {
		return union(arc(0.48, 0.19, -0.05, 0.95), triangle(0.03, -0.05, 0.62, 0.44, 0.61, 0.12, 0.17))(x, y)
	}
	return math.Min(half(x, y), half(-x, -y))
}

// cloudOff is a cloud that is struck through.
func cloudOff(x, y float64) float64 {
	cloud := union(disc(-0.28, 0.1, 0.26), disc(0.06, -0.12, 0.36), disc(0.36, 0.12, 0.24), line(0.36, -0.28, 0.18, 0.36, 0.18))
	return union(without(cloud, line(0.36, -0.52, -0.56, 0.56, 0.52)), line(0.14, -0.52, -0.56, 0.56, 0.52))(x, y)
}

func warning(x, y float64) float64 {
	return triangle(0.16, 0, -0.74, 0.8, 0.7, -0.8, 0.7)(x, y)
}

func exclamation(x, y float64) float64 {
	return union(line(0.22, 0, -0.34, 0, 0.2), disc(0, 0.54, 0.13))(x, y)
}

// power is the sign on switches: an open ring and a bar.
func power(x, y float64) float64 {
	return union(arc(0.72, 0.24, math.Pi/2, 2.45), line(0.24, 0, -0.82, 0, -0.06))(x, y)
}
