package bench

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// Plot is lines over one axis, to be drawn as SVG. Both axes begin at 0.
type Plot struct {
	Title string
	X, Y  string // what the axes are, with their units
	Lines []Line
}

// Line is points in the order of X.
type Line struct {
	Name string
	X, Y []float64
}

// The drawing, and the part of it within the axes, in pixels.
const (
	plotWidth, plotHeight     = 720, 320
	plotLeft, plotRight       = 60, 700
	plotTop, plotBottom       = 40, 270
	plotSteps                 = 5 // marks of an axis, about
	plotInk, plotText         = "#666", `font-family="sans-serif" font-size="12" fill="#444"`
	plotBackground, plotRaise = "#fff", 16
)

// lineColours can be told apart without colour vision too.
func lineColours() []string { return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"} }

// SVG draws the plot.
func (p Plot) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="%s"/>`+"\n", plotBackground)
	fmt.Fprintf(&b, `<text x="%d" y="20" font-weight="bold" %s>%s</text>`+"\n", plotLeft, plotText, p.Title)
	x, y := p.axes()
	x.marks(func(at, value float64) {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle" %s>%g</text>`+"\n", at, plotBottom+plotRaise, plotText, value)
	})
	y.marks(func(at, value float64) {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end" %s>%g</text>`+"\n", plotLeft, at, plotRight, plotLeft-6, at+4, plotText, value)
	})
	fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="%s"/>`+"\n", plotLeft, plotTop, plotBottom, plotRight, plotInk)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" %s>%s</text>`+"\n", plotRight, plotBottom+2*plotRaise+4, plotText, p.X)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" %s>%s</text>`+"\n", plotRight, plotTop-4, plotText, p.Y)
	for i, line := range p.Lines {
		colour := lineColours()[i%len(lineColours())]
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", line.path(x, y), colour)
		fmt.Fprintf(&b, `<text x="%d" y="%d" %s><tspan fill="%s">━</tspan> %s</text>`+"\n", plotLeft+i*(plotRight-plotLeft)/max(1, len(p.Lines)), plotBottom+2*plotRaise+4, plotText, colour, line.Name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// axis maps values from 0 to a largest onto pixels.
type axis struct {
	largest, step float64
	from, to      float64 // pixels
}

func (p Plot) axes() (x, y axis) {
	for _, line := range p.Lines {
		for i := range line.X {
			x.largest, y.largest = max(x.largest, line.X[i]), max(y.largest, line.Y[i])
		}
	}
	return newAxis(x.largest, plotLeft, plotRight), newAxis(y.largest, plotBottom, plotTop)
}

// newAxis has marks at round values, and ends at one.
func newAxis(largest, from, to float64) axis {
	rough := max(largest, 1) / plotSteps
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, times := range []float64{5, 2} {
		if step*times <= rough {
			step *= times
			break
		}
	}
	return axis{largest: step * math.Ceil(max(largest, 1)/step), step: step, from: from, to: to}
}

func (a axis) at(value float64) float64 { return a.from + value/a.largest*(a.to-a.from) }

func (a axis) marks(draw func(at, value float64)) {
	for i := 0; float64(i)*a.step <= a.largest*1.0001; i++ {
		draw(a.at(float64(i)*a.step), float64(i)*a.step)
	}
}

func (l Line) path(x, y axis) []byte {
	var d []byte
	for i := range l.X {
		command := byte('L')
		if i == 0 {
			command = 'M'
		}
		d = strconv.AppendFloat(append(d, command), x.at(l.X[i]), 'f', 1, 64)
		d = strconv.AppendFloat(append(d, ' '), y.at(l.Y[i]), 'f', 1, 64)
	}
	return d
}
