package rclone

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/obscure"

	"github.com/setlogger/setlogger/remote"
)

// draft holds the settings of a remote that is being set up, apart from the file. What is not answered is as rclone has it:
// from the environment, or by default.
type draft struct {
	configmap.Simple

	others configmap.Getter
}

func newDraft(info *fs.RegInfo) *draft {
	return &draft{configmap.Simple{}, fs.ConfigMap(info.Prefix, info.Options, "", nil)}
}

// Get answers a setting.
func (d *draft) Get(key string) (string, bool) {
	if key == config.ConfigAuthNoBrowser {
		return "true", true // whoever asks the person opens the browser
	}
	if value, ok := d.Simple.Get(key); ok {
		return value, true
	}
	return d.others.Get(key)
}

// kept answers the settings that belong into the file.
func (d *draft) kept() configmap.Simple {
	kept := maps.Clone(d.Simple)
	maps.DeleteFunc(kept, func(key, value string) bool {
		return value == "" || strings.HasPrefix(key, fs.ConfigKeyEphemeralPrefix)
	})
	return kept
}

// askOption asks the next option of the kind that counts for the provider that was chosen; after the last, what the
// backend asks.
func (s *setup) askOption(ctx context.Context) (*remote.Question, error) {
	provider, _ := s.values.Get(fs.ConfigProvider)
	for i, option := range s.left {
		if !fs.MatchProvider(option.Provider, provider) {
			continue
		}
		o, rest := withoutOthers(option, provider), s.left[i+1:]
		return s.ask(s.questionOf(o), func(ctx context.Context, text string) (*remote.Question, error) {
			value, err := s.valueOf(o, text)
			if err != nil {
				return nil, err
			}
			delete(s.values.Simple, o.Name)
			if value != "" {
				s.values.Set(o.Name, value)
			}
			s.left = rest
			return s.askOption(ctx)
		})
	}
	return s.configure(ctx, fs.ConfigIn{})
}

// withoutOthers leaves out the examples of other providers.
func withoutOthers(option fs.Option, provider string) *fs.Option {
	o := option.Copy()
	o.Examples = slices.DeleteFunc(slices.Clone(o.Examples), func(e fs.OptionExample) bool { return !fs.MatchProvider(e.Provider, provider) })
	return o
}

// questionOf makes a question of rclone's.
func (s *setup) questionOf(o *fs.Option) *remote.Question {
	q := &remote.Question{
		Name: o.Name, Help: strings.TrimSpace(o.Help), Only: o.Exclusive, Required: o.Required, Default: defaultOf(o), Secret: isTypedUnseen(s.info.Options, o),
	}
	for _, e := range o.Examples {
		q.Choices = append(q.Choices, remote.Choice{Value: e.Value, Text: e.Help})
	}
	if value := s.before[o.Name]; value != "" {
		q.Kept = q.Secret
		if !q.Secret {
			q.Default = value
		}
	}
	if o.Name == config.ConfigClientID && s.kind.redirect != "" {
		q.Help += "\nAn id of your own has the redirect address " + s.kind.redirect + "."
	}
	return q
}

func defaultOf(o *fs.Option) string {
	if o.Default == nil || o.IsPassword {
		return ""
	}
	return fmt.Sprint(o.Default)
}

// isTypedUnseen tells secrets from what only names an account.
func isTypedUnseen(options fs.Options, o *fs.Option) bool {
	return o.IsPassword || o.Sensitive && isSecret(options, o.Name) && !slices.Contains([]string{"access_key_id", config.ConfigClientID}, o.Name)
}

// valueOf checks an answer and makes of it what stands in the settings: passwords obscured.
func (s *setup) valueOf(o *fs.Option, text string) (string, error) {
	if !o.IsPassword {
		text = strings.TrimSpace(text)
	}
	if text == "" {
		if value := s.before[o.Name]; value != "" {
			return value, nil
		}
		text = defaultOf(o)
	}
	switch {
	case text == "" && o.Required:
		return "", refusal(o.Name+" is missing", "it can't be left out")
	case text == "":
		return "", nil
	case o.IsPassword:
		return obscure.Obscure(text)
	case o.Exclusive && !slices.ContainsFunc(o.Examples, func(e fs.OptionExample) bool { return e.Value == text }):
		return "", refusal(o.Name+" is none of the choices", "choose one of them")
	case o.Copy().Set(text) != nil:
		return "", refusal(fmt.Sprintf("%s must be of the kind %s", o.Name, o.Type()), "the default is "+defaultOf(o))
	}
	return text, nil
}
