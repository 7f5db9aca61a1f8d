// Package attack holds the tests that attack a running daemon, as web pages, programs and slow clients do.
//
// They know docs/api.md and the daemon's own OpenAPI document, from which they take every call there is: a new one is
// attacked without a change here. What is open to all is written down, once, in document_test.go.
// SETLOGGER_TEST_REQUIRED=1 makes a missing browser a failure and no skip. With -v, tables show what each attack met at each call.
package attack
