//go:build slim && !channels

package notify

// kafkaService is left out: its client takes long to compile.
func kafkaService(example string) service { return service{example: example} }
