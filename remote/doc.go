// Package remote says what SetLogger asks of a place that keeps files: four verbs.
package remote
