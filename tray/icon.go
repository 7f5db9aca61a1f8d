package tray

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Icon is what the tray shows in one sign. The signs differ in shape, and their
// colours stand out from light and dark panels alike.
type Icon int

// The icons.
const (
	IconStopped Icon = iota // the daemon does not run
	IconIdle
	IconSyncing
	IconOffline
	IconProblem
	iconCount
)

// sign is how an icon is drawn: a shape in a colour, and a white mark on it.
type sign struct {
	colour      color.NRGBA
	shape, mark shape
}

func (i Icon) sign() sign {
	switch i {
	case IconIdle:
		return sign{color.NRGBA{0x1b, 0x99, 0x6a, 0xff}, disc(0, 0, 0.94), check}
	case IconSyncing:
		return sign{color.NRGBA{0x3a, 0x82, 0xe4, 0xff}, disc(0, 0, 0.94), arrows}
	case IconOffline:
		return sign{color.NRGBA{0x80, 0x87, 0x92, 0xff}, disc(0, 0, 0.94), cloudOff}
	case IconProblem:
		return sign{color.NRGBA{0xdf, 0x55, 0x1f, 0xff}, warning, exclamation}
	default:
		return sign{color.NRGBA{0x80, 0x87, 0x92, 0xff}, power, nothing}
	}
}

// PNG answers the icon as a PNG of size × size pixels.
func (i Icon) PNG(size int) []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, i.image(size)) // a buffer and an image of some size don't fail
	return out.Bytes()
}

// ICO answers the icon in the sizes that Windows asks for.
func (i Icon) ICO() []byte {
	sizes := []int{16, 20, 24, 32, 40, 48, 64}
	le := binary.LittleEndian
	head := le.AppendUint16(le.AppendUint16(le.AppendUint16(nil, 0), 1), uint16(len(sizes)))
	var body []byte
	offset := len(head) + 16*len(sizes)
	for _, size := range sizes {
		picture := i.PNG(size)
		head = append(head, byte(size), byte(size), 0, 0)
		head = le.AppendUint16(le.AppendUint16(head, 1), 32)
		head = le.AppendUint32(le.AppendUint32(head, uint32(len(picture))), uint32(offset+len(body)))
		body = append(body, picture...)
	}
	return append(head, body...)
}

// image draws the icon with smooth edges: a pixel is covered as far as its
// centre lies within the shape.
func (i Icon) image(size int) *image.NRGBA {
	s := i.sign()
	out := image.NewNRGBA(image.Rect(0, 0, size, size))
	scale := 2 / float64(size)
	cover := func(d float64) float64 { return math.Max(0, math.Min(1, 0.5-d/scale)) }
	for y := range size {
		for x := range size {
			px, py := (float64(x)+0.5)*scale-1, (float64(y)+0.5)*scale-1
			alpha, white := cover(s.shape(px, py)), cover(s.mark(px, py))
			mix := func(c uint8) uint8 { return uint8(float64(c) + (255-float64(c))*white + 0.5) }
			out.SetNRGBA(x, y, color.NRGBA{mix(s.colour.R), mix(s.colour.G), mix(s.colour.B), uint8(255*alpha + 0.5)})
		}
	}
	return out
}
