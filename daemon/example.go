package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/setlogger/setlogger/api"
)

// example is a call with its answer. In the document, its parameters, its body and its answer bear its name.
type example struct {
	Call    string // operation id
	Name    string
	Summary string
	Scope   string // that it takes, where the call can be made with and without a token

	Parameters map[string]any
	Body       json.RawMessage
	Lines      []json.RawMessage // a body of lines

	Status       int
	Answer       json.RawMessage
	AnswerLines  []json.RawMessage
	AnswerEvents []exampleEvent // how an event stream begins
	AnswerText   string         // lines that are among those of a text
}

type exampleEvent struct {
	ID   string
	Data json.RawMessage
}

// addExample puts an example where the document has its parts.
func (r *router) addExample(o *huma.Operation, e example, order int) error {
	for name, value := range e.Parameters {
		p := parameterOf(o, name)
		if p == nil {
			return fmt.Errorf("there is no parameter %s", name)
		}
		if p.Examples == nil {
			p.Examples = map[string]*huma.Example{}
		}
		p.Examples[e.Name] = &huma.Example{Value: value}
	}
	if err := e.addTo(o.RequestBody); err != nil {
		return err
	}
	if e.Status >= http.StatusBadRequest {
		r.problemOf(o, e.Status)
	}
	response := o.Responses[strconv.Itoa(e.Status)]
	if response == nil {
		return fmt.Errorf("there is no answer %d", e.Status)
	}
	kind, value := e.answer()
	shown := &huma.Example{Summary: e.Summary, Value: value, Extensions: map[string]any{"x-order": order}}
	if e.Scope != "" {
		shown.Extensions["x-scope"] = e.Scope
	}
	if media := response.Content[kind]; media != nil {
		addTo(media, e.Name, shown)
	} else {
		addBare(response, e.Name, shown)
	}
	return nil
}

func parameterOf(o *huma.Operation, name string) *huma.Param {
	for _, p := range o.Parameters {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// addTo adds the body of the example, if it has one.
func (e example) addTo(body *huma.RequestBody) error {
	kind, value := "application/json", any(e.Body)
	switch {
	case e.Lines != nil:
		kind, value = api.LinesType, linesOf(e.Lines)
	case e.Body == nil:
		return nil
	}
	if body == nil || body.Content[kind] == nil {
		return fmt.Errorf("the call takes no body of %s", kind)
	}
	addTo(body.Content[kind], e.Name, &huma.Example{Value: value})
	return nil
}

func addTo(media *huma.MediaType, name string, shown *huma.Example) {
	if media.Examples == nil {
		media.Examples = map[string]*huma.Example{}
	}
	media.Examples[name] = shown
}

// addBare adds an example of an answer without a body.
func addBare(response *huma.Response, name string, shown *huma.Example) {
	all, _ := response.Extensions["x-examples"].(map[string]*huma.Example)
	if all == nil {
		all = map[string]*huma.Example{}
		response.Extensions = map[string]any{"x-examples": all}
	}
	all[name] = shown
}

// answer is the content type of the answer, and the answer as the document shows it.
func (e example) answer() (kind string, value any) {
	switch {
	case e.Status >= http.StatusBadRequest:
		return api.ProblemType, e.Answer
	case e.AnswerLines != nil:
		return api.LinesType, linesOf(e.AnswerLines)
	case e.AnswerEvents != nil:
		return api.EventsType, eventsOf(e.AnswerEvents)
	case e.AnswerText != "":
		return "text/plain", e.AnswerText
	case e.Answer != nil:
		return "application/json", e.Answer
	}
	return "", nil
}

func linesOf(lines []json.RawMessage) string {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(compacted(line) + "\n")
	}
	return text.String()
}

func eventsOf(events []exampleEvent) string {
	var text strings.Builder
	for _, event := range events {
		if event.ID != "" {
			text.WriteString("id: " + event.ID + "\n")
		}
		text.WriteString("data: " + compacted(event.Data) + "\n\n")
	}
	return text.String()
}

func compacted(text json.RawMessage) string {
	line, _ := json.Marshal(text) // it was JSON
	return string(line)
}
