package daemon

import (
	"errors"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestLogEndsForWhoIsLetOut revokes an app while it follows a log, and while it waits for an entry.
func TestLogEndsForWhoIsLetOut(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"a"}`)
	for name, hear := range map[string]func(c *api.Client, heard func()) error{
		"follows": func(c *api.Client, heard func()) error {
			for _, err := range c.FollowLog(t.Context(), "b", "") {
				if err != nil {
					_, err := c.Log(t.Context(), "b", "", 1)
					return err
				}
				heard()
			}
			return nil
		},
		"waits": func(c *api.Client, heard func()) error {
			log, err := c.Log(t.Context(), "b", "", 1)
			if err != nil {
				return err
			}
			heard()
			_, err = c.WaitLog(t.Context(), "b", log.Next, 1)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: name, Scopes: []string{"b:r"}})
			if err != nil {
				t.Fatal(err)
			}
			c, err := api.NewClient(api.Options{Data: s.data, Address: s.address, Token: added.Token})
			if err != nil {
				t.Fatal(err)
			}
			heard, ended := make(chan struct{}, 1), make(chan error)
			go func() { ended <- hear(c, func() { heard <- struct{}{} }) }()
			<-heard
			if err := s.client.RemoveApp(t.Context(), added.ID); err != nil {
				t.Fatal(err)
			}
			var refused *api.Error
			if err := <-ended; !errors.As(err, &refused) || refused.Status != 401 {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
