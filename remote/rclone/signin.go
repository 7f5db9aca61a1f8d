package rclone

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote"
)

// step is one run of the backend's own questions, up to the next question or the end.
type step struct {
	signsIn bool
	done    chan stepped  // takes one
	ended   chan struct{} // closed once nothing of it runs any more
	asked   *remote.Question
	take    taker // the question before and its taker, to which a sign-in that failed returns
}

type stepped struct {
	out *fs.ConfigOut
	err error
}

// configure lets the backend go on from a state of its own.
func (s *setup) configure(ctx context.Context, in fs.ConfigIn) (*remote.Question, error) {
	if s.info.Config == nil {
		return s.askFolder()
	}
	t := &step{signsIn: signsIn(in), done: make(chan stepped, 1), ended: make(chan struct{}), asked: s.asked, take: s.take}
	// rclone has one address that a sign-in returns to, and one place that tells where it begins.
	if t.signsIn && !s.library.signing.TryLock() {
		return nil, fmt.Errorf("%w: finish it or give it up first", remote.ErrSigningIn)
	}
	apart, cancel := context.WithCancel(context.WithoutCancel(ctx))
	err := s.library.spawn(func() {
		defer close(t.ended)
		out, err := s.goOn(apart, in)
		if t.signsIn {
			s.library.signing.Unlock()
		}
		t.done <- stepped{out, err}
	})
	if err != nil {
		cancel()
		if t.signsIn {
			s.library.signing.Unlock()
		}
		return nil, err
	}
	s.end = func() { cancel(); within(patience, func() { <-t.ended }) }
	return s.await(ctx, t)
}

// goOn runs the backend's questions from a state. The port of a sign-in may have been given to a connection of another
// program, which mostly ends soon.
func (s *setup) goOn(ctx context.Context, in fs.ConfigIn) (*fs.ConfigOut, error) {
	for end := time.Now().Add(patience); ; {
		out, err := fs.BackendConfig(ctx, s.name, s.values, s.info, configmap.Simple{}, in)
		if !portTaken(err) || time.Now().After(end) {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// portTaken tells that rclone can't listen for a sign-in; the name of the error differs by system.
func portTaken(err error) bool {
	return err != nil && strings.Contains(err.Error(), "failed to start auth webserver")
}

// signsIn tells whether a state waits for a browser.
func signsIn(in fs.ConfigIn) bool {
	return strings.HasPrefix(in.State, "*oauth-islocal") && in.Result == "true"
}

// await answers what comes of a step; of a sign-in first its address.
func (s *setup) await(ctx context.Context, t *step) (*remote.Question, error) {
	tick := time.NewTicker(5 * time.Millisecond) // rclone tells nobody that the address is there
	defer tick.Stop()
	for {
		select {
		case done := <-t.done:
			s.end()
			return s.stepped(t, done)
		case <-ctx.Done():
			if s.asked != t.asked { // the address was told: it still stands
				return s.asked, nil
			}
			s.end()
			<-t.ended // nothing else may use the settings meanwhile
			return nil, ctx.Err()
		case <-tick.C:
			if !t.signsIn || s.asked != t.asked {
				continue
			}
			if address := signInAddress(ctx); address != "" {
				return s.ask(&remote.Question{
					Name: "browser", Help: "Open this address in a browser on the machine where the daemon runs, and sign in there.", Address: address,
				}, func(ctx context.Context, _ string) (*remote.Question, error) { return s.await(ctx, t) })
			}
		}
	}
}

// signInAddress is where the sign-in under way begins, "" before it listens.
func signInAddress(ctx context.Context) string {
	call := rc.Calls.Get("config/oauthstatus")
	if call == nil {
		return ""
	}
	status, err := call.Fn(ctx, rc.Params{})
	if err != nil {
		return ""
	}
	address, _ := status["authUrl"].(string)
	return address
}

// stepped asks what the backend asked, or goes on when it is done.
func (s *setup) stepped(t *step, done stepped) (*remote.Question, error) {
	switch {
	case done.err != nil:
		s.asked, s.take = t.asked, t.take
		return nil, refusal(done.err.Error(), hintOfStep(done.err))
	case done.out == nil || done.out.State == "":
		return s.askFolder()
	case done.out.Option == nil:
		s.asked, s.take = t.asked, t.take
		return nil, refusal(done.out.Error, "answer it again")
	}
	o, state := done.out.Option, done.out.State
	q := s.questionOf(o)
	s.reword(q)
	return s.ask(q, func(ctx context.Context, text string) (*remote.Question, error) {
		value, err := s.valueOf(o, rcloneWord(o.Name, text))
		if err != nil {
			return nil, err
		}
		return s.configure(ctx, fs.ConfigIn{State: state, Result: value})
	})
}

func hintOfStep(err error) string {
	if portTaken(err) {
		return "another program has the port that a sign-in comes back to (rclone config, rclone authorize): end it, or sign in on another machine"
	}
	return "try it again; with a client id of your own, look at its secret and its redirect address"
}

// isLocal is rclone's question how to sign in; the words for its answers are ours.
const (
	isLocal   = "config_is_local"
	byBrowser = "browser"
	byToken   = "token"
)

// rcloneWord is rclone's word for an answer to a question that reword has put in other words.
func rcloneWord(question, text string) string {
	if question == isLocal {
		switch strings.TrimSpace(text) {
		case byBrowser:
			return "true"
		case byToken:
			return "false"
		}
	}
	return text
}

// reword says rclone's questions about the sign-in for people who do not know rclone.
func (s *setup) reword(q *remote.Question) {
	switch q.Name {
	case isLocal:
		q.Name, q.Help, q.Default = "sign_in", "How do you sign in?", byBrowser
		q.Choices = []remote.Choice{
			{Value: byBrowser, Text: "With a browser on the machine where the daemon runs"},
			{Value: byToken, Text: "On another machine that has a browser and rclone, by a token that is pasted here"},
		}
	case "config_token":
		command := fmt.Sprintf("rclone authorize %q", s.info.Name)
		if id, _ := s.values.Simple.Get(config.ConfigClientID); id != "" {
			command += " CLIENT_ID CLIENT_SECRET"
		}
		q.Name = "token"
		q.Help = "On the other machine, run\n    " + command + "\nand paste here what it prints at the end, as one line."
		q.Secret, q.Required = true, true
	}
}
