package replica

// IsQuiet tells whether the last visit to a bucket left nothing to do.
func (s *Share) IsQuiet(bucket string) bool {
	_, ok := s.quiet[bucket]
	return ok
}
