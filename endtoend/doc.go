// Package endtoend holds the tests that run real daemons as processes, the way a person does, and judge what they keep.
//
// They know the command line, the HTTP API and the files on the remote, and none of the code.
//
// Environment: SETLOGGER_BINARY names the program to judge (default: built once, with the slim set of backends);
// SETLOGGER_SOAK=1 makes every test long; SETLOGGER_KILLS is the number of kills of TestKillUnderLoad, SETLOGGER_ROUNDS
// how often each device edits in TestOneListEditedAtOnce, SETLOGGER_MINUTES how long TestSubscribersSoak soaks (30) and
// SETLOGGER_PLOTS the folder for its plot; SETLOGGER_SEED repeats their chance, and that of TestEachPlace;
// SETLOGGER_TEST_REQUIRED=1 makes a missing program a failure and no skip.
package endtoend
