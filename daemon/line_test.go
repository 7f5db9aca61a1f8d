package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/setlogger/setlogger/api"
)

// line is a way to the daemon that runs.
type line struct {
	daemon  *served
	client  *api.Client
	http    *http.Client
	changed chan struct{}
}

// line answers the way to the daemon that runs now.
func (c *crowd) line() line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return line{c.daemon, c.reached, c.http, c.changed}
}

// get reads a node, with If-None-Match where the wish has a rev.
func (l line) get(ctx context.Context, w wish) (heard, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.daemon.address+"/v1/buckets/b/nodes/"+w.node, nil)
	if err != nil {
		return heard{}, err
	}
	request.Header.Set("Authorization", "Bearer "+l.daemon.token)
	if w.match != "" {
		request.Header.Set("If-None-Match", strconv.Quote(w.match))
	}
	response, err := l.http.Do(request)
	if err != nil {
		return heard{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotModified {
		return answerTo(response.StatusCode)
	}
	h := heard{status: response.StatusCode}
	if h.rev, err = strconv.Unquote(response.Header.Get("ETag")); err != nil || h.status == http.StatusNotModified {
		return h, err
	}
	var n api.Node
	if err := json.NewDecoder(response.Body).Decode(&n); err != nil {
		return heard{}, err
	}
	if n.Rev != h.rev {
		h.status = contradicted
	}
	h.value = string(n.Value)
	return h, nil
}

func (l line) append(ctx context.Context, w wish) (heard, error) {
	a, err := l.client.Append(ctx, "b", w.body(), api.AppendOptions{IfMatch: w.match, Key: w.key})
	var refused *api.Error
	switch {
	case err == nil:
		return heard{status: http.StatusOK, rev: a.Revs[w.node]}, nil
	case errors.As(err, &refused):
		return answerTo(refused.Status)
	}
	return heard{}, err
}

// errStops: the daemon answers that it is stopping.
var errStops = errors.New("503")

// answerTo is what a refusal tells: of a daemon that stops, nothing.
func answerTo(status int) (heard, error) {
	if status == http.StatusServiceUnavailable {
		return heard{}, errStops
	}
	return heard{status: status}, nil
}

// answers tells whether the daemon is there still, after a call that broke.
func (l line) answers(ctx context.Context, err error) bool {
	if errors.Is(err, errStops) {
		return false
	}
	_, err = l.client.Status(ctx)
	return err == nil
}
