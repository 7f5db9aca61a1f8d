package tray

import (
	"bytes"
	"encoding/binary"
	"image/png"
	"math"
	"testing"
)

func TestPNG(t *testing.T) {
	for i := range iconCount {
		picture, err := png.Decode(bytes.NewReader(i.PNG(22)))
		if err != nil {
			t.Fatal(err)
		}
		if size := picture.Bounds().Size(); size.X != 22 || size.Y != 22 {
			t.Errorf("icon %d is %v", i, size)
		}
		if _, _, _, alpha := picture.At(0, 0).RGBA(); alpha != 0 {
			t.Errorf("icon %d fills its corner", i)
		}
	}
}

func TestICO(t *testing.T) {
	for i := range iconCount {
		ico := i.ICO()
		le := binary.LittleEndian
		if kind := le.Uint16(ico[2:]); kind != 1 {
			t.Fatalf("icon %d: kind %d", i, kind)
		}
		for n := range int(le.Uint16(ico[4:])) {
			entry := ico[6+16*n:]
			length, offset := le.Uint32(entry[8:]), le.Uint32(entry[12:])
			picture, err := png.Decode(bytes.NewReader(ico[offset : offset+length]))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := picture.Bounds().Dx(), int(entry[0]); got != want {
				t.Errorf("icon %d: a picture of %d instead of %d", i, got, want)
			}
		}
	}
}

// TestIconsDiffer without colour: in what is covered, and what is marked white.
func TestIconsDiffer(t *testing.T) {
	const size = 16
	form := func(i Icon) (cells [size * size]int) {
		s, picture := i.sign(), i.image(size)
		for n := range cells {
			c := picture.NRGBAAt(n%size, n/size)
			cells[n] = int(c.A) / 2
			if white := int(c.R) - int(s.colour.R); c.A > 0 && white > 60 {
				cells[n] += 128
			}
		}
		return cells
	}
	for i := range iconCount {
		for j := range i {
			a, b, differ := form(i), form(j), 0
			for n := range a {
				if d := a[n] - b[n]; d > 64 || d < -64 {
					differ++
				}
			}
			if differ < size*size/16 {
				t.Errorf("icons %d and %d differ in %d of %d pixels", i, j, differ, size*size)
			}
		}
	}
}

// TestIconsStandOut from panels as light and as dark as they come, by the
// contrast ratio of WCAG 2.2, which asks 3 for graphics.
func TestIconsStandOut(t *testing.T) {
	for i := range iconCount {
		c := i.sign().colour
		own := luminance(c.R, c.G, c.B)
		for _, panel := range []uint8{0x2b, 0xf5} {
			other := luminance(panel, panel, panel)
			if ratio := (math.Max(own, other) + 0.05) / (math.Min(own, other) + 0.05); ratio < 3 {
				t.Errorf("icon %d on %#x: %.2f", i, panel, ratio)
			}
		}
	}
}

func luminance(r, g, b uint8) float64 {
	linear := func(c uint8) float64 {
		v := float64(c) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
