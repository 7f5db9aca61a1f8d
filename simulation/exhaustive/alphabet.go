package exhaustive

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// letter is an action on the node n. LENGTH and LAST stand for the length of its array l and the last index.
type letter struct{ name, body string }

// genesis makes the node. Every writer has seen it before it writes.
const genesis = `{"type":"CREATE_NODE","id":"n","properties":{"l":[1,2]}}`

func alphabet() []letter {
	return []letter{
		{"insert x first", `{"type":"ARRAY_INSERT","id":"n","property":"l","index":0,"values":["x"]}`},
		{"insert y, z last", `{"type":"ARRAY_INSERT","id":"n","property":"l","index":LENGTH,"values":["y","z"]}`},
		{"remove the first", `{"type":"ARRAY_REMOVE","id":"n","property":"l","index":0}`},
		{"move the first to the end", `{"type":"ARRAY_MOVE","id":"n","property":"l","index":0,"to":LAST}`},
		{"move the last to the front", `{"type":"ARRAY_MOVE","id":"n","property":"l","index":LAST,"to":0}`},
		{"set the first to s", `{"type":"ARRAY_SET","id":"n","property":"l","index":0,"value":"s"}`},
		{"set l to [3]", `{"type":"SET_PROPERTY","id":"n","properties":{"l":[3]}}`},
		{"set l/m to 1", `{"type":"SET_PROPERTY","id":"n","path":["l","m"],"value":1}`},
		{"take l away", `{"type":"REMOVE_PROPERTY","id":"n","property":"l"}`},
		{"add 1 to c", `{"type":"INCREMENT","id":"n","property":"c"}`},
		{"delete n", `{"type":"DELETE_NODE","id":"n"}`},
		{"create n with c of 5", `{"type":"CREATE_NODE","id":"n","properties":{"c":5}}`},
	}
}

// longest is more than the length that l ever has.
const longest = 16

// words are the letters as actions, by the length of l that their writer sees.
type words [][longest]setlog.Action

func newWords(letters []letter) (words, error) {
	all := make(words, len(letters))
	for i, l := range letters {
		for length := range longest {
			body := strings.NewReplacer("LENGTH", strconv.Itoa(length), "LAST", strconv.Itoa(max(0, length-1))).Replace(l.body)
			action, err := setlog.ParseAction([]byte(body))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
			all[i][length] = action
		}
	}
	return all, nil
}
