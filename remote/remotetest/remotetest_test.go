package remotetest_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest"
)

// faultVariable names the fault that a child process runs the suite over.
const faultVariable = "SETLOGGER_TEST_FAULT"

// TestSuiteFails: the suite notices every fault, so a pass says something. Each runs in a process of its own, since it
// is a test that fails.
func TestSuiteFails(t *testing.T) {
	for _, fault := range faulty.Faults() {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestUnderFault$", "-test.failfast")
			cmd.Env = append(os.Environ(), faultVariable+"="+strconv.Itoa(int(fault)))
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestUnderFault/") {
				t.Errorf("the suite let it pass: %v\n%s", err, out)
			}
		})
	}
}

// TestUnderFault is the child; without a fault it is the suite over a sound remote.
func TestUnderFault(t *testing.T) {
	var options faulty.Options
	if fault, err := strconv.Atoi(os.Getenv(faultVariable)); err == nil {
		options.Chance = map[faulty.Fault]float64{faulty.Fault(fault): 1}
	}
	remotetest.Run(t, func(*testing.T) remote.Storage { return faulty.New(memory.New(), options) })
}
