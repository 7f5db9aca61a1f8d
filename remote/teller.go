package remote

import (
	"context"
	"errors"
	"time"
)

// Teller is a Storage whose place may tell of changes by itself.
type Teller interface {
	Storage
	// Tell calls hint with the name of what changed, a file or a folder on the way to it, within about TellEvery, until the context
	// ends, or it can't; hint must not wait. What this Storage writes is told of, too. Hints may be lost, by any error, so that it
	// only spares time. ErrSilent: the place tells of nothing.
	Tell(ctx context.Context, hint func(name string)) error
}

// TellEvery is between two requests of a Teller for news.
const TellEvery = 30 * time.Second

// ErrSilent is the answer of a Teller that never tells of anything.
var ErrSilent = errors.New("remote: the place tells of no changes")
