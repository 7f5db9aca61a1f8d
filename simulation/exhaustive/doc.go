// Package exhaustive plays every history of a few actions from a small alphabet: by every writer, in every causal order,
// delivered in every order.
package exhaustive
