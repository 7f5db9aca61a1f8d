package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func bucketSchemaCommand(g *globals) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "schema NAME", Short: "Print a bucket's JSON Schema, or set it",
		Long: "Print a bucket's JSON Schema (2020-12), or set it with --schema for all devices.\nIt is checked at each append; nodes that break it and arrive from elsewhere are flagged when read.",
		Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("schema") {
				return g.setSchema(cmd, args[0], file)
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			s, err := c.Schema(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(g.say(cmd), string(s))
			return err
		},
	}
	cmd.Flags().StringVar(&file, "schema", "", "file with the new schema, - for standard input, or the schema itself; null takes it away")
	return cmd
}

// setSchema appends SET_SCHEMA.
func (g *globals) setSchema(cmd *cobra.Command, bucket, file string) error {
	text, err := []byte(file), error(nil)
	if file != "null" {
		text, err = readAction(cmd.InOrStdin(), file)
	}
	if err != nil {
		return err
	}
	if !json.Valid(text) {
		return fmt.Errorf("%s is no JSON", file)
	}
	body, err := json.Marshal(map[string]any{"type": "SET_SCHEMA", "schema": json.RawMessage(text)})
	if err != nil {
		return err
	}
	c, err := g.client(cmd)
	if err != nil {
		return err
	}
	if _, err := c.Append(cmd.Context(), bucket, body, api.AppendOptions{}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.say(cmd), "The schema of %s is set; it travels with the next sync.\n", bucket)
	return err
}
