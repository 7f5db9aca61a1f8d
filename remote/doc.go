// Package remote says what SetLogger asks of a place that keeps files: four verbs, once it is set up.
package remote
