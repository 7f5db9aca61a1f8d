package daemon

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// compare checks an answer against the schema and the example.
func (s *story) compare(t *testing.T, c docCase, answer *http.Response) {
	t.Helper()
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if answer.StatusCode != c.status || kind != c.kind {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		t.Errorf("%s: %d %s, want %d %s: %s", c, answer.StatusCode, kind, c.status, c.kind, body)
		return
	}
	place := []string{"paths", c.call.path, strings.ToLower(c.call.method), "responses", strconv.Itoa(c.status), "content", kind, "schema"}
	shown := []json.RawMessage{c.Value}
	var real []json.RawMessage
	switch kind {
	case "":
		return
	case "text/plain":
		compareText(t, c, stringIn(t, c.Value), readAll(t, answer.Body))
		return
	case api.LinesType:
		place[len(place)-1] = "x-oai-itemSchema"
		shown, real = linesIn(stringIn(t, c.Value)), linesIn(readAll(t, answer.Body))
	case api.EventsType:
		place = append(place[:len(place)-1], "x-oai-itemSchema", "properties", "data", "contentSchema")
		shown = eventsIn(strings.NewReader(stringIn(t, c.Value)), -1)
		real = eventsIn(answer.Body, len(shown))
	default:
		real = []json.RawMessage{[]byte(readAll(t, answer.Body))}
	}
	if err := s.same(t, shown, real, place); err != nil {
		text, _ := json.Marshal(real)
		t.Errorf("%s: %v; it answered %s", c, err, text)
	}
}

// compareText wants each line that is shown in the answer, whatever its figure is.
func compareText(t *testing.T, c docCase, shown, real string) {
	t.Helper()
	for line := range strings.Lines(shown) {
		if named := line[:strings.LastIndexByte(line, ' ')+1]; !strings.Contains(real, named) {
			t.Errorf("%s: there is no line of %s", c, named)
		}
	}
}

// same tells what an answer has other than the example, in form or by the schema. It learns what the daemon has given.
func (s *story) same(t *testing.T, shown, real []json.RawMessage, place []string) error {
	t.Helper()
	if len(shown) != len(real) {
		return fmt.Errorf("%d items, shown are %d", len(real), len(shown))
	}
	for i := range real {
		var a, b any
		if err := json.Unmarshal(shown[i], &a); err != nil {
			return err
		}
		if err := json.Unmarshal(real[i], &b); err != nil {
			return err
		}
		if err := s.d.checkValue(t, real[i], place...); err != nil {
			return err
		}
		if err := s.d.checkValue(t, shown[i], place...); err != nil {
			return fmt.Errorf("the example itself: %w", err)
		}
		if err := compareShape("", a, b); err != nil {
			return err
		}
		s.learn(a, b)
	}
	return nil
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func linesIn(text string) []json.RawMessage {
	var all []json.RawMessage
	for line := range strings.Lines(text) {
		all = append(all, json.RawMessage(line))
	}
	return all
}

// eventsIn reads the data of so many events, -1: all of them.
func eventsIn(stream io.Reader, most int) []json.RawMessage {
	var all []json.RawMessage
	lines := bufio.NewScanner(stream)
	for len(all) != most && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			all = append(all, json.RawMessage(data))
		}
	}
	return all
}

// compareShape tells where an answer has other members or kinds of values than the example. Where either is null, its schema
// has said whether it may be.
func compareShape(at string, shown, real any) error {
	switch shown := shown.(type) {
	case map[string]any:
		other, ok := real.(map[string]any)
		if !ok {
			break
		}
		for name := range shown {
			if _, ok := other[name]; !ok {
				return fmt.Errorf("%s/%s is shown and not answered", at, name)
			}
		}
		for name, value := range other {
			if _, ok := shown[name]; !ok {
				return fmt.Errorf("%s/%s is answered and not shown", at, name)
			}
			if err := compareShape(at+"/"+name, shown[name], value); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if other, ok := real.([]any); ok {
			return compareLists(at, shown, other)
		}
	}
	if shown != nil && real != nil && fmt.Sprintf("%T", shown) != fmt.Sprintf("%T", real) {
		return fmt.Errorf("%s is a %T, shown is a %T", at, real, shown)
	}
	return nil
}

// compareLists wants each element to be like one shown.
func compareLists(at string, shown, real []any) error {
	if (len(shown) == 0) != (len(real) == 0) {
		return fmt.Errorf("%s has %d elements, shown are %d", at, len(real), len(shown))
	}
	for i, element := range real {
		at := fmt.Sprintf("%s/%d", at, i)
		like := func(other any) bool { return compareShape(at, other, element) == nil }
		if !slices.ContainsFunc(shown, like) {
			return compareShape(at, shown[min(i, len(shown)-1)], element)
		}
	}
	return nil
}

// learn keeps what the daemon gave where the example shows something else: ids, writers, tokens and cursors are long.
func (s *story) learn(shown, real any) {
	switch shown := shown.(type) {
	case map[string]any:
		other, _ := real.(map[string]any)
		for name := range shown {
			s.learn(shown[name], other[name])
		}
	case []any:
		other, _ := real.([]any)
		for i := range min(len(shown), len(other)) {
			s.learn(shown[i], other[i])
		}
	case string:
		if other, ok := real.(string); ok && len(shown) >= 16 && shown != other {
			s.given[shown] = other
		}
	}
}
