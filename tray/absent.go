//go:build !tray

package tray

import "context"

// Run answers ErrNotBuilt: the build tag tray was not given.
func Run(context.Context, Options) error { return ErrNotBuilt }
