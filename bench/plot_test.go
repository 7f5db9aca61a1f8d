package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	for name, c := range map[string]struct {
		plot Plot
		want []string // parts of the drawing
	}{
		"nothing":     {Plot{Title: "Nothing"}, []string{">Nothing<"}},
		"to the edge": {Plot{Lines: []Line{{"a", []float64{0, 10}, []float64{0, 50}}}}, []string{`"M60.0 270.0L700.0 40.0"`, ">10<", ">50<"}},
		"round marks": {Plot{Lines: []Line{{"a", []float64{0, 30}, []float64{47, 43}}}}, []string{">50<", ">30<", ">25<"}},
		"two lines":   {Plot{Lines: []Line{{"a", []float64{0, 1}, []float64{1, 2}}, {"b", []float64{0, 1}, []float64{2, 1}}}}, []string{"> a<", "> b<"}},
	} {
		t.Run(name, func(t *testing.T) {
			drawing := string(c.plot.SVG())
			for _, part := range c.want {
				if !strings.Contains(drawing, part) {
					t.Errorf("%s is not in it:\n%s", part, drawing)
				}
			}
			decoder := xml.NewDecoder(strings.NewReader(drawing))
			for {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
