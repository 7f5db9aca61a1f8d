package schema

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const (
	maxViolations = 20  // of one node
	maxReason     = 300 // bytes
)

// violations says what a check found, in order: what stands deepest where all must hold, and the alternative itself
// where one must.
func violations(err error) []Violation {
	var found []Violation
	failed, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Violation{{"", err.Error()}}
	}
	collect(failed, &found)
	slices.SortFunc(found, func(a, b Violation) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason)) })
	found = slices.Compact(found)
	return found[:min(len(found), maxViolations)]
}

func collect(e *jsonschema.ValidationError, found *[]Violation) {
	add := func(name []string, reason string) {
		*found = append(*found, Violation{pointer(append(slices.Clip(e.InstanceLocation), name...)), clip(reason)})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			collect(cause, found)
		}
	case *kind.Required:
		for _, name := range k.Missing {
			add([]string{name}, "it is missing")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add([]string{name}, "it is not among the properties allowed")
		}
	case *kind.FalseSchema:
		add(nil, "it is not allowed")
	case *kind.Format:
		if k.Want == "" || errors.As(k.Err, new(*listError)) {
			add(nil, k.Err.Error())
			return
		}
		add(nil, words(e))
	case *kind.AnyOf, *kind.OneOf, *kind.PropertyNames, *kind.Contains:
		add(nil, words(e)+because(e.Causes))
	default:
		add(nil, words(e))
	}
}

// because tells why the alternatives failed.
func because(causes []*jsonschema.ValidationError) string {
	var found []Violation
	for _, cause := range causes {
		collect(cause, &found)
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortFunc(found, func(a, b Violation) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason)) })
	return " (" + Join(slices.Compact(found)) + ")"
}

// words are the library's own for the kind of one error.
func words(e *jsonschema.ValidationError) string {
	alone := jsonschema.ValidationError{SchemaURL: e.SchemaURL, ErrorKind: e.ErrorKind}
	return alone.BasicOutput().Error.String()
}

func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "") + "…"
}

func pointer(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

// problemsOf says what is wrong with a schema, and where in it.
func problemsOf(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if _, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return &Error{violations(err)}
	}
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return problemsOf(invalid.Err)
	}
	if regex, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		return bad(fragment(regex.URL), "the pattern is no RE2 regular expression: "+regex.Err.Error())
	}
	if outside, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return bad("", "it refers to "+outside.URL+", and nothing outside the schema is loaded")
	}
	if missing, ok := errors.AsType[*jsonschema.JSONPointerNotFoundError](err); ok {
		return bad(fragment(missing.URL), "it is referred to, and is not there")
	}
	return bad("", strings.ReplaceAll(clip(err.Error()), location, ""))
}

// fragment is the JSON Pointer in the fragment of an address.
func fragment(address string) string {
	_, after, _ := strings.Cut(address, "#")
	return after
}
