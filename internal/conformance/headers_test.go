package conformance_test

import (
	"bytes"
	"encoding/json"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

type headerInput struct {
	Header string `json:"header"`
}

// list turns a nil list into an empty one, because JSON distinguishes the two.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// dict is a JSON object of parameters; a bare one is null.
func dict(params datastructures.Params) map[string]any {
	m := map[string]any{}
	for name, value := range params.All() {
		if m[name] = value; params.IsBare(name) {
			m[name] = nil
		}
	}
	return m
}

var _ = register(map[string]operation{
	"list.parse": answers(func(in headerInput) any { return list(datastructures.ParseList(in.Header)) }),
	"list.dump": answers(func(in struct{ Items []string }) any {
		return datastructures.HeaderSet(in.Items).String()
	}),
	"dict.parse": answers(func(in headerInput) any { return dict(datastructures.ParseDict(in.Header)) }),
	"options.parse": answers(func(in headerInput) any {
		o := datastructures.ParseOptions(in.Header)
		return map[string]any{"value": o.Value, "options": dict(o.Params)}
	}),
	"options.dump": optionsDump,
	"value.quote":  answers(func(in struct{ Value string }) any { return datastructures.Quote(in.Value) }),
	"value.quote.always": answers(func(in struct{ Value string }) any {
		return httplex.QuoteAlways(in.Value)
	}),
	"set.parse": answers(func(in headerInput) any {
		return list(datastructures.ParseHeaderSet(in.Header))
	}),
	"value.unquote": answers(func(in struct{ Value string }) any { return datastructures.Unquote(in.Value) }),
})

// parameter is one member of an object: an object of the vectors has an order if the header made
// from it has one.
type parameter struct {
	name  string
	value *string
}

// parameters reads the members of a JSON object in their order. Values other than strings are kept
// as they are written.
func parameters(object json.RawMessage) (list []parameter, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		p := parameter{name: name.(string)}
		var text string
		switch {
		case string(value) == "null":
		case json.Unmarshal(value, &text) == nil:
			p.value = &text
		default:
			text = string(value)
			p.value = &text
		}
		list = append(list, p)
	}
	return list, nil
}

func optionsDump(in, want json.RawMessage) error {
	var input struct {
		Value   string
		Options json.RawMessage
	}
	if err := json.Unmarshal(in, &input); err != nil {
		return err
	}
	options, err := parameters(input.Options)
	if err != nil {
		return err
	}
	o := datastructures.Options{Value: input.Value}
	for _, p := range options {
		if p.value != nil {
			o.Set(p.name, *p.value)
		}
	}
	return same(o.String(), want)
}
