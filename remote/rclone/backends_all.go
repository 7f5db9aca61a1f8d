//go:build !slim

package rclone

import (
	_ "github.com/rclone/rclone/backend/all" // every backend registers itself
)
