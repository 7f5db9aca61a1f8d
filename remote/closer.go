package remote

// Closer is a Storage that holds connections or the like once it was used.
type Closer interface {
	Storage
	// Close lets go of them, and ends calls that are under way. It does not wait for the place. Every later call fails.
	Close()
}

// Close closes each Storage that is a Closer; nothing is done for others.
func Close(all ...Storage) {
	for _, s := range all {
		if c, ok := s.(Closer); ok {
			c.Close()
		}
	}
}
