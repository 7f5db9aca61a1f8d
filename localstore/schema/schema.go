package schema

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/setlogger/setlogger/setlog"
)

// MaxSize is how many bytes a schema may have in canonical form.
const MaxSize = 64 << 10

const (
	dialect  = "https://json-schema.org/draft/2020-12/schema"
	location = "bucket:///schema.json" // of the schema while it has no $id
)

// Schema is a compiled schema. It may be used concurrently; checks of one Schema wait for each other.
type Schema struct {
	Settings *Settings // of the bucket; never nil

	root  *jsonschema.Schema
	mu    sync.Mutex
	meter *meter // of the check that is running
}

// Violation is one thing that a schema does not allow.
type Violation struct {
	Path   string // JSON Pointer (RFC 6901) to where it is; empty: the whole
	Reason string
}

// Error tells why a schema can't be used: paths are those in the schema itself.
type Error struct{ Problems []Violation }

// Error names each problem with its place.
func (e *Error) Error() string { return "the schema is not usable: " + Join(e.Problems) }

// Join puts violations into one line.
func Join(all []Violation) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = v.String()
	}
	return strings.Join(parts, "; ")
}

// String is the path, a colon and the reason.
func (v Violation) String() string {
	if v.Path == "" {
		return v.Reason
	}
	return v.Path + ": " + v.Reason
}

// Compile reads a JSON Schema of draft 2020-12. It refers to nothing outside itself, save to the metaschema: nothing is
// ever loaded. Patterns are RE2, and formats are asserted. Its errors are *Error.
func Compile(text []byte) (s *Schema, err error) {
	defer func() { // a library reads what anybody may have written
		if p := recover(); p != nil {
			err = bad("", fmt.Sprintf("it can't be read: %v", p))
		}
	}()
	document, err := read(text)
	if err != nil {
		return nil, err
	}
	if err := conforms(document); err != nil {
		return nil, problemsOf(err)
	}
	m := &meter{}
	c := newCompiler(m)
	if err := c.AddResource(location, document); err != nil {
		return nil, problemsOf(err)
	}
	root, err := c.Compile(location)
	if err != nil {
		return nil, problemsOf(err)
	}
	m.instructions = 0
	of, err := settings(text)
	if err != nil {
		return nil, err
	}
	return &Schema{Settings: of, root: root, meter: m}, nil
}

func bad(path, reason string) *Error { return &Error{[]Violation{{path, reason}}} }

// read decodes a schema within its bounds.
func read(text []byte) (map[string]any, error) {
	canonical, err := setlog.Canonical(text)
	if err != nil {
		return nil, bad("", err.Error())
	}
	if len(canonical) > MaxSize {
		return nil, bad("", fmt.Sprintf("%d bytes are more than %d", len(canonical), MaxSize))
	}
	var value any
	if err := json.Unmarshal(canonical, &value); err != nil {
		return nil, bad("", err.Error())
	}
	document, ok := value.(map[string]any)
	if !ok {
		return nil, bad("", "it is no object")
	}
	if named, given := document["$schema"]; given && named != dialect && named != dialect+"#" {
		return nil, bad("/$schema", "only "+dialect+" is known; it may be left out")
	}
	return document, nil
}

// ruler is the compiled metaschema, with the budget of its next check. One serves one check at a time.
type ruler struct {
	meter      meter
	metaschema *jsonschema.Schema
}

// rulers are those that rest: to compile one takes longer than most checks.
var rulers sync.Pool

// conforms checks a document against the whole metaschema.
func conforms(document map[string]any) error {
	r, ok := rulers.Get().(*ruler)
	if !ok {
		r = &ruler{meter: meter{left: budget}}
		var err error
		if r.metaschema, err = newCompiler(&r.meter).Compile(dialect); err != nil {
			return err
		}
	}
	defer rulers.Put(r)
	r.meter.left = budget
	return r.metaschema.Validate(document)
}

func newCompiler(m *meter) *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(nowhere{})
	c.UseRegexpEngine(m.pattern)
	c.AssertFormat()
	c.RegisterVocabulary(m.vocabulary())
	c.AssertVocabs()
	return c
}

// nowhere loads nothing.
type nowhere struct{}

var errOutside = errors.New("it refers to something outside itself")

// Load refuses.
func (nowhere) Load(string) (any, error) { return nil, errOutside }

// Check answers what the schema does not allow in a node, sorted by path; nil when all is well. Its work is bounded: a
// check that would take too much of it is a violation too.
func (s *Schema) Check(node []byte) (found []Violation) {
	var value any
	if err := json.Unmarshal(node, &value); err != nil {
		return []Violation{{"", err.Error()}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			found = []Violation{{"", fmt.Sprintf("it can't be checked: %v", p)}}
		}
	}()
	s.meter.left = budget
	err := s.root.Validate(value)
	if s.meter.left <= 0 {
		return []Violation{{"", "the schema takes too much work to check this"}}
	}
	if err == nil {
		return nil
	}
	return violations(err)
}
