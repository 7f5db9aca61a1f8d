// Package rclone reaches every remote that rclone knows: the only importer of rclone.
//
// The build tag slim leaves out the rarer backends.
package rclone
