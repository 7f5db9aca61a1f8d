package rclone

import (
	"testing"

	"github.com/setlogger/setlogger/remote/remotetest"
)

func TestRcloneMemory(t *testing.T) { remotetest.Run(t, below(":memory:share")) }
