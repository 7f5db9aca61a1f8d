//go:build slim && !channels

package notify

// These are left out: their clients take long to compile.
func googleService(example string) service { return service{example: example} }
func awsService(example string) service    { return service{example: example} }
func kafkaService(example string) service  { return service{example: example} }
func azureService(example string) service  { return service{example: example} }
