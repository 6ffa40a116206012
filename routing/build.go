package routing

// BuildOptions ask for more of a URL than [Adapter.Build] does.
type BuildOptions struct {
	// Method chooses among the endpoint's rules; "" tries the request's own
	// first, and then any.
	Method string
	// External makes the URL absolute even on the same host.
	External bool
	// Scheme is the scheme of an absolute URL; "" is that of the adapter.
	Scheme string
	// NoScheme makes an absolute URL start in "//".
	NoScheme bool
	// DropUnknown leaves out values that the rule does not know, instead of
	// making them the query.
	DropUnknown bool
}

// Builder builds URLs: any [Adapter], for code that does not need the type of the targets (url_for
// of a template).
type Builder interface {
	Build(endpoint string, values ...Value) (string, error)
	BuildWith(options BuildOptions, endpoint string, values ...Value) (string, error)
}

// Build returns the URL of the endpoint with the values: a path under the mount if it is on the
// host bound to, else an absolute URL. It uses the endpoint's rule with the most variables and
// defaults for which there are values; further values become the query, in their order.
//
// A URL that is built matches again. So a *[BuildError] is returned for a value that the rule's
// converter would refuse, that would become the segment "." or "..", or that makes the URL one that
// another rule matches before.
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
