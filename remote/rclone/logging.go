package rclone

import (
	"context"
	"log/slog"
	"strings"
)

// handler passes rclone's log on with a fixed message and its text as a value. What rclone says about a call of ours
// goes to debug, since the call answers the error too.
type handler struct{ next slog.Handler }

// answered marks the context of a call whose error goes to the caller.
type answered struct{}

// undecryptable begins what crypt says of a file that is not its own, once a file and listing.
const undecryptable = "Skipping undecryptable"

// Enabled is asked with rclone's level.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, ourLevel(ctx, level))
}

// Handle rewrites the record.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	level := ourLevel(ctx, r.Level)
	if strings.HasPrefix(r.Message, undecryptable) {
		level = slog.LevelDebug
	}
	if !h.next.Enabled(ctx, level) {
		return nil
	}
	ours := slog.NewRecord(r.Time, level, "rclone", r.PC)
	ours.AddAttrs(slog.String("text", r.Message))
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "object" {
			ours.AddAttrs(slog.String("object", Mask(a.Value.String())))
		}
		return true
	})
	return h.next.Handle(ctx, ours)
}

// WithAttrs is never called by rclone.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{next: h.next.WithAttrs(attrs)}
}

// WithGroup is never called by rclone.
func (h *handler) WithGroup(name string) slog.Handler { return &handler{next: h.next.WithGroup(name)} }

// ourLevel takes rclone's notices (2) for information, and its errors, which it tries again, for warnings.
func ourLevel(ctx context.Context, level slog.Level) slog.Level {
	switch {
	case ctx.Value(answered{}) != nil:
		return slog.LevelDebug
	case level > slog.LevelError:
		return slog.LevelError
	case level > slog.LevelInfo && level < slog.LevelWarn:
		return slog.LevelInfo
	case level == slog.LevelError:
		return slog.LevelWarn
	default:
		return level
	}
}
