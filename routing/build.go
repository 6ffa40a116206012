package routing

// BuildOptions ask for more of a URL than [Adapter.Build] does.
type BuildOptions struct {
	// Method chooses among the endpoint's rules; "" first tries the method of the request, and then
	// any.
	Method string
	// External makes the URL absolute even on the same host.
	External bool
	// Scheme is the scheme of an absolute URL; "" means the adapter's scheme.
	Scheme string
	// NoScheme makes an absolute URL start with "//".
	NoScheme bool
	// DropUnknown leaves out values that the rule does not have, instead of adding them to the
	// query.
	DropUnknown bool
}

// Builder builds URLs. Every [Adapter] is one; it is for code that does not need the type of the
// targets (url_for of a template).
type Builder interface {
	Build(endpoint string, values ...Value) (string, error)
	BuildWith(options BuildOptions, endpoint string, values ...Value) (string, error)
}

// Build returns the URL of the endpoint with the values: a path below the mount if the URL is on
// the bound host, otherwise an absolute URL. Of the endpoint's rules whose variables and defaults
// all have values, it uses the rule with the most. Further values become the query, in their order.
//
// A URL that is built matches again. So it returns a *[BuildError] for a value that the rule's
// converter would refuse, for a value that would become the segment "." or "..", and for a value
// with which another rule would match the URL first.
func (a Adapter[T]) Build(endpoint string, values ...Value) (string, error) {
	s := a.urls.snapshot.Load()
	if text, ok := s.fastURL(&a.bound, endpoint, values); ok {
		return text, nil
	}
	return s.build(&a.bound, BuildOptions{}, endpoint, values)
}

// BuildWith is Build with options.
func (a Adapter[T]) BuildWith(options BuildOptions, endpoint string, values ...Value) (string, error) {
	return a.urls.snapshot.Load().build(&a.bound, options, endpoint, values)
}
