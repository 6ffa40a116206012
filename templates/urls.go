package templates

import (
	"fmt"

	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/routing"
)

// urlFor is {{ url_for("endpoint", "name", value, …) }}. The name "_external"
// with a true value asks for an absolute URL.
func (run *rendering) urlFor(endpoint string, pairs ...*pongo2.Value) (string, error) {
	built, err := run.build(endpoint, pairs)
	if err != nil {
		return "", run.refused(endpoint, err)
	}
	return built, nil
}

// refused keeps the reason why an endpoint has no URL.
func (run *rendering) refused(endpoint string, err error) error {
	run.cause = fmt.Errorf("url_for(%q): %w", endpoint, err)
	return run.cause
}

func (run *rendering) build(endpoint string, pairs []*pongo2.Value) (string, error) {
	var options routing.BuildOptions
	arguments := make([]any, 0, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		arguments = append(arguments, pairs[i].Interface())
		if i+1 == len(pairs) {
			break
		}
		if pairs[i].String() == "_external" {
			options.External = pairs[i+1].IsTrue()
			arguments = arguments[:len(arguments)-1]
			continue
		}
		arguments = append(arguments, pairs[i+1].Interface())
	}
	values, err := routing.Pairs(arguments...)
	if err != nil {
		return "", err
	}
	return run.urls.BuildWith(options, endpoint, values...)
}

// staticURL is {{ static_url("style.css") }}.
func (run *rendering) staticURL(name string) (string, error) {
	built, err := run.static(name)
	if err != nil {
		run.cause = fmt.Errorf("static_url(%q): %w", name, err)
		return "", run.cause
	}
	return built, nil
}
