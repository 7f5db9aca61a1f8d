// Package remotetest is the conformance suite that every remote.Storage must pass.
package remotetest
