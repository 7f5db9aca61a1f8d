// Package faulty makes a remote fail in every way that remotes were seen to fail, repeatably.
package faulty
