// Package schema checks nodes against a bucket's JSON Schema, 2020-12, and reads the settings that stand in it.
package schema
