package daemon

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestSettings changes settings one after the other; the rest of the schema stays.
func TestSettings(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for _, c := range []struct {
		change, settings, schema string
		entries                  uint64 // that it appends
	}{
		{`{}`, `{}`, `null`, 0},
		{`{"order":["-rank"]}`, `{"order":["-rank"]}`, `{"x-setlogger":{"order":["-rank"]}}`, 1},
		{`{"order":["-rank"]}`, `{"order":["-rank"]}`, `{"x-setlogger":{"order":["-rank"]}}`, 0},
		{`{"keepHistory":"local","logLimit":50}`, `{"keepHistory":"local","logLimit":50,"order":["-rank"]}`, `{"x-setlogger":{"keepHistory":"local","logLimit":50,"order":["-rank"]}}`, 1},
		{`{"order":null,"logLimit":60,"publish":null}`, `{"keepHistory":"local","logLimit":60}`, `{"x-setlogger":{"keepHistory":"local","logLimit":60}}`, 1},
		{`{"keepHistory":null,"logLimit":null}`, `{}`, `{}`, 1},
	} {
		before, err := s.client.Bucket(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		after, err := s.client.ChangeSettings(t.Context(), "b", json.RawMessage(c.change))
		if err != nil || string(after.Settings) != c.settings || after.Entries != before.Entries+c.entries {
			t.Errorf("%s: %+v, %v; want %s and %d entries more than %d", c.change, after, err, c.settings, c.entries, before.Entries)
		}
		if text, err := s.client.Schema(t.Context(), "b"); err != nil || string(text) != c.schema {
			t.Errorf("%s: schema %s, %v", c.change, text, err)
		}
	}
	s.mustAppend(t, `{"type":"SET_SCHEMA","schema":{"required":["n"],"x-setlogger":{"publish":true}}}`)
	if _, err := s.client.ChangeSettings(t.Context(), "b", json.RawMessage(`{"publish":null,"order":["n"]}`)); err != nil {
		t.Fatal(err)
	}
	if text, err := s.client.Schema(t.Context(), "b"); err != nil || string(text) != `{"required":["n"],"x-setlogger":{"order":["n"]}}` {
		t.Errorf("schema %s, %v", text, err)
	}
}

func TestSettingsRefused(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for _, c := range []struct {
		body       string
		status     int
		violations int
	}{
		{`{"settings":{"order":["-"]}}`, http.StatusUnprocessableEntity, 1},
		{`{"settings":{"order":"rank"}}`, http.StatusUnprocessableEntity, 1},
		{`{"settings":{"colour":"red"}}`, http.StatusUnprocessableEntity, 1},
		{`{"settings":{"keepHistory":"some","logLimit":-1}}`, http.StatusUnprocessableEntity, 2},
		{`{"settings":[]}`, http.StatusUnprocessableEntity, 0},
		{`{"settings":null}`, http.StatusUnprocessableEntity, 0},
		{`{"name":"c"}`, http.StatusUnprocessableEntity, 0},
		{`{`, http.StatusBadRequest, 0},
	} {
		got := s.call(t, http.MethodPatch, "/v1/buckets/b", c.body, nil)
		var e api.Error
		if err := json.Unmarshal(got.body, &e); err != nil || got.status != c.status || e.Hint == "" || len(e.Violations) != c.violations {
			t.Errorf("%s: %d %s, %v", c.body, got.status, got.body, err)
		}
	}
	var e *api.Error
	if _, err := s.client.ChangeSettings(t.Context(), "c", json.RawMessage(`{}`)); !errors.As(err, &e) || e.Status != http.StatusNotFound {
		t.Errorf("no such bucket: %v", err)
	}
	if text, err := s.client.Schema(t.Context(), "b"); err != nil || string(text) != "null" {
		t.Errorf("schema %s, %v", text, err)
	}
}
