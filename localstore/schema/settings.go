package schema

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/setlog"
)

// SettingsName is the member of a schema that holds the bucket's settings.
const SettingsName = "x-setlogger"

// Settings are how a bucket is to be paged, indexed and kept. Zero values stand for the defaults.
type Settings struct {
	Order       []string   `json:"order"`       // see setlog.ParseOrder
	Indexes     [][]string `json:"indexes"`     // each such a list
	ChunkLimit  int        `json:"chunkLimit"`  // nodes of a chunk
	LogLimit    int        `json:"logLimit"`    // entries of the log before it is indexed
	Publish     bool       `json:"publish"`     // a view for readers without a daemon
	KeepHistory string     `json:"keepHistory"` // remote, local or none
}

const (
	maxIndexes   = 16
	smallestSize = 10
	largestSize  = 1_000_000
)

// settings reads the member of a schema, empty when there is none.
func settings(document []byte) (*Settings, error) {
	var outer map[string]jsontext.Value
	if err := json.Unmarshal(document, &outer); err != nil {
		return nil, bad("", err.Error())
	}
	s := &Settings{}
	text := outer[SettingsName]
	if text == nil {
		return s, nil
	}
	if err := json.Unmarshal(text, s, json.RejectUnknownMembers(true)); err != nil {
		return nil, bad("/"+SettingsName, strings.TrimPrefix(err.Error(), "json: "))
	}
	if found := s.check(); len(found) > 0 {
		return nil, &Error{found}
	}
	return s, nil
}

// OrderOf is the order that a schema sets, the default where none can be read. It is the same on all devices, whether
// or not they can use the rest of the schema.
func OrderOf(document []byte) setlog.Order {
	var outer struct {
		Settings struct {
			Order []string `json:"order"`
		} `json:"x-setlogger"`
	}
	var names []string
	if json.Unmarshal(document, &outer) == nil {
		names = outer.Settings.Order
	}
	order, err := setlog.ParseOrder(names)
	if err != nil {
		order, _ = setlog.ParseOrder(nil) // the default can be read
	}
	return order
}

// IndexesOf are the orders beside its own that a schema wants nodes to be found by; those that can't be read are left out.
func IndexesOf(document []byte) []setlog.Order {
	var outer struct {
		Settings struct {
			Indexes [][]string `json:"indexes"`
		} `json:"x-setlogger"`
	}
	if json.Unmarshal(document, &outer) != nil {
		return nil
	}
	var all []setlog.Order
	for _, names := range outer.Settings.Indexes[:min(len(outer.Settings.Indexes), maxIndexes)] {
		if order, err := setlog.ParseOrder(names); err == nil && len(names) > 0 {
			all = append(all, order)
		}
	}
	return all
}

func (s *Settings) check() []Violation {
	var found []Violation
	add := func(path, format string, args ...any) {
		found = append(found, Violation{"/" + SettingsName + path, fmt.Sprintf(format, args...)})
	}
	if !validFields(s.Order) {
		add("/order", "it is a list of up to %d names of properties, with - in front for downwards", setlog.MaxFields)
	}
	if len(s.Indexes) > maxIndexes {
		add("/indexes", "%d are more than %d", len(s.Indexes), maxIndexes)
	}
	for i, index := range s.Indexes {
		if len(index) == 0 || !validFields(index) {
			add(fmt.Sprintf("/indexes/%d", i), "it is a list of 1 to %d names of properties, with - in front for downwards", setlog.MaxFields)
		}
	}
	for name, size := range map[string]int{"/chunkLimit": s.ChunkLimit, "/logLimit": s.LogLimit} {
		if size != 0 && (size < smallestSize || size > largestSize) {
			add(name, "it is a number from %d to %d", smallestSize, largestSize)
		}
	}
	switch s.KeepHistory {
	case "", "remote", "local", "none":
	default:
		add("/keepHistory", `it is "remote", "local" or "none"`)
	}
	return found
}

func validFields(fields []string) bool {
	_, err := setlog.ParseOrder(fields)
	return err == nil
}
