//go:build slim && !channels

package notify

// kafkaService and azureService are left out: their clients take long to compile.
func kafkaService(example string) service { return service{example: example} }

func azureService(example string) service { return service{example: example} }
