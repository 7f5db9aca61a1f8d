package daemon

import (
	"maps"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/setlogger/setlogger/api"
)

// refineSchemas says more of some values than their Go types do: any JSON there is an object here.
func (r *router) refineSchemas() {
	schemas := r.api.OpenAPI().Components.Schemas.Map()
	for _, name := range []string{"Node.value", "EventNode.value", "Entry.entry"} {
		anyObject(propertyOf(schemas, name))
	}
	text := propertyOf(schemas, "Schema.schema")
	anyObject(text)
	text.Nullable = true
	settings := r.schema(reflect.TypeFor[api.Settings]())
	shown := propertyOf(schemas, "BucketShown.settings")
	shown.Ref = settings.Ref
	change := propertyOf(schemas, "BucketChange.settings")
	change.Type = huma.TypeObject
	// among the extensions, where huma does not check it: the bucket does, and names each violation
	change.Extensions = map[string]any{"properties": nullable(schemas["Settings"].Properties), "additionalProperties": false}
}

func propertyOf(schemas map[string]*huma.Schema, name string) *huma.Schema {
	for of, schema := range schemas {
		for property, found := range schema.Properties {
			if of+"."+property == name {
				return found
			}
		}
	}
	return &huma.Schema{} // the golden document shows that it is missing
}

func anyObject(s *huma.Schema) {
	s.Type, s.AdditionalProperties = huma.TypeObject, true
}

// nullable are properties of which each may be null too.
func nullable(properties map[string]*huma.Schema) map[string]*huma.Schema {
	all := maps.Clone(properties)
	for name, schema := range all {
		copied := *schema
		copied.Nullable = true
		if len(copied.Enum) > 0 {
			copied.Enum = append(append([]any{}, copied.Enum...), nil)
		}
		all[name] = &copied
	}
	return all
}

// refineParameter gives a parameter that a handler reads by itself its type.
func refineParameter(p *huma.Param) {
	least, most := float64(1), float64(maxPage)
	switch p.In + " " + p.Name {
	case "query limit":
		p.Schema = &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most}
	case "query live":
		p.Schema = &huma.Schema{Type: huma.TypeString, Enum: []any{"sse", "long-poll"}}
	case "query where", "query bucket":
		explode := true
		p.Explode = &explode
		p.Schema = &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
	}
}

// media describes a body of a content type. In a stream, the schema is that of each line, or of each event's data.
func media(kind string, schema *huma.Schema) *huma.MediaType {
	item := schema
	switch kind {
	case api.LinesType:
	case api.EventsType:
		data := &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"contentMediaType": "application/json", "contentSchema": schema}}
		item = &huma.Schema{Type: huma.TypeObject, Required: []string{"data"}, Properties: map[string]*huma.Schema{"data": data, "id": {Type: huma.TypeString}}}
	default:
		return &huma.MediaType{Schema: schema}
	}
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Extensions: map[string]any{"x-oai-itemSchema": item}}
}

// actionSchema describes what can be appended.
func (r *router) actionSchema() *huma.Schema {
	schemas := r.api.OpenAPI().Components.Schemas.Map()
	schemas["Action"] = &huma.Schema{
		Type: huma.TypeObject, Description: "A Redux action; docs/semantics.md has those that change nodes", Required: []string{"type"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{"type": {Type: huma.TypeString}, "id": {Type: huma.TypeString, Description: "Of the node"}},
	}
	action := &huma.Schema{Ref: "#/components/schemas/Action"}
	schemas["Transaction"] = &huma.Schema{
		Type: huma.TypeObject, Description: "Actions that are one entry: all or none", Required: []string{"actions"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"actions": {Type: huma.TypeArray, Items: action}},
	}
	return &huma.Schema{AnyOf: []*huma.Schema{action, {Ref: "#/components/schemas/Transaction"}}}
}
