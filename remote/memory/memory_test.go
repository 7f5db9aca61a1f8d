package memory_test

import (
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest"
)

func TestConformance(t *testing.T) {
	remotetest.Run(t, func(*testing.T) remote.Storage { return memory.New() })
}
