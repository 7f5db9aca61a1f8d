package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A small schema can ask for any amount of work: two references to the next definition, forty times over, are 2^40
// steps. So each step of a check, and each match of a pattern, is paid for out of a budget.
const (
	budget          = 2 << 20 // units of some 100 ns
	maxPattern      = 4 << 10 // bytes
	maxInstructions = 5_000   // of one pattern's program
	maxAllPatterns  = 100_000 // instructions of all patterns of a schema
)

var (
	errSpent   = errors.New("too much work")
	errPattern = errors.New("the pattern is too large")
)

// meter is the work that the running check has left, and what its schema's patterns have taken while it was compiled.
type meter struct {
	left         int
	instructions int
}

func (m *meter) spend(units int) bool {
	m.left -= min(units, budget)
	return m.left > 0
}

// vocabulary is no vocabulary: it is how to see each schema as it is compiled, those behind anchors too.
func (m *meter) vocabulary() *jsonschema.Vocabulary {
	return &jsonschema.Vocabulary{
		URL: "bucket:///meter",
		Compile: func(ctx *jsonschema.CompilerContext, _ map[string]any) (jsonschema.SchemaExt, error) {
			m.watch(ctx.Enqueue(nil))
			return nil, nil //nolint:nilnil // there are no keywords of it
		},
	}
}

// watch makes each step on the schema pay, in its place for a format: that is looked at early, and a step that can't
// pay goes no further. Of what is looked at before it, long lists and numbers are moved there too.
func (m *meter) watch(s *jsonschema.Schema) {
	fixed := 1 + len(s.AllOf) + len(s.AnyOf) + len(s.OneOf) + len(s.Required) + len(s.DependentSchemas) + len(s.PatternProperties)
	for _, names := range s.DependentRequired {
		fixed += 1 + len(names)
	}
	for _, number := range []bool{s.Minimum != nil, s.Maximum != nil, s.ExclusiveMinimum != nil, s.ExclusiveMaximum != nil, s.MultipleOf != nil} {
		if number {
			fixed += 4
		}
	}
	unique, listed, format := s.UniqueItems, listOf(s), s.Format
	step := &jsonschema.Format{}
	if format != nil {
		step.Name = format.Name
	}
	step.Validate = func(v any) error {
		if !m.spend(fixed + size(v)) {
			return errSpent
		}
		if unique && !m.spend(4*deepSize(v)) {
			return errSpent
		}
		if listed != nil {
			if !m.spend(4 * deepSize(v)) {
				return errSpent
			}
			if err := listed.find(v); err != nil {
				return err
			}
		}
		if text, ok := v.(string); format == nil || ok && !m.spend(len(text)/4) {
			return nil
		}
		return format.Validate(v)
	}
	s.Format = step
}

// size is what a step on a value takes beside its children.
func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	case string:
		return len(v) / 64
	}
	return 1
}

func deepSize(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			n += len(name)/64 + deepSize(member)
		}
	case []any:
		for _, element := range v {
			n += deepSize(element)
		}
	case string:
		n += len(v) / 64
	}
	return n
}

// list is the values of an enum or const as texts.
type list struct {
	texts map[string]bool
	err   *listError
}

// listError says that a value is not among those listed.
type listError struct{ reason string }

// Error is the reason.
func (e *listError) Error() string { return e.reason }

// listOf takes enum and const out of a schema, unless they are a few plain words, which are quick to compare.
func listOf(s *jsonschema.Schema) *list {
	var values []any
	l := &list{texts: map[string]bool{}, err: &listError{"it is not one of the values of enum"}}
	switch {
	case s.Const != nil && s.Enum != nil:
		return nil // both are rare; each is compared as it stands
	case s.Const != nil:
		values, l.err = []any{*s.Const}, &listError{"it is not the value of const"}
	case s.Enum != nil:
		values = s.Enum.Values
	}
	if len(values) <= 8 && !hasHeavy(values) {
		return nil
	}
	for _, v := range values {
		l.texts[textOf(v)] = true
	}
	s.Const, s.Enum = nil, nil
	return l
}

func hasHeavy(values []any) bool {
	for _, v := range values {
		switch v.(type) {
		case string, bool, nil:
		default:
			return true
		}
	}
	return false
}

func (l *list) find(v any) error {
	if l.texts[textOf(v)] {
		return nil
	}
	return l.err
}

// textOf is the same for equal values.
func textOf(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // what was decoded can be encoded
		return ""
	}
	return string(text)
}

// pattern compiles a pattern within bounds.
func (m *meter) pattern(text string) (jsonschema.Regexp, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("%w: it has more than %d bytes", errPattern, maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	m.instructions += len(program.Inst)
	if len(program.Inst) > maxInstructions || m.instructions > maxAllPatterns {
		return nil, fmt.Errorf("%w: it repeats too much", errPattern)
	}
	compiled, err := regexp.Compile(text)
	return &paidPattern{compiled, m, len(program.Inst)}, err
}

// paidPattern is a pattern whose matches are paid for.
type paidPattern struct {
	*regexp.Regexp
	meter        *meter
	instructions int
}

// MatchString answers false when it can't pay.
func (p *paidPattern) MatchString(text string) bool {
	return p.meter.spend(1+len(text)*p.instructions/16) && p.Regexp.MatchString(text)
}
