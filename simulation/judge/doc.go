// Package judge folds sets of entries with the model, in many orders and ways, and compares what comes out with the oracle.
package judge
