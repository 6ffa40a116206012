package staticfiles

import (
	"context"
	"fmt"
)

// Warm reads the files into memory and compresses them, under their plain and
// their fingerprinted names, so that no client has to wait for that. It ends
// when ctx ends or the memory is full. It returns an error if a directory
// cannot be read; a file that cannot be read is left to its requests. In
// development it does nothing.
func (s *Shared) Warm(ctx context.Context) error {
	if s.development {
		return nil
	}
	for _, e := range s.exports {
		visit := func(name string) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.single != "" && name != e.single || !e.shows(name) || s.resources.full() {
				return nil
			}
			s.warm(e, name, "")
			if d, err := s.fingerprint(e, name); err == nil {
				s.warm(e, name, d.mark)
			}
			return nil
		}
		var err error
		if e.single != "" {
			err = visit(e.single)
		} else {
			err = e.walk(visit)
		}
		if err != nil {
			return fmt.Errorf("warm static files of %q: %w", e.prefix, err)
		}
	}
	return nil
}

// warm prepares one file as if every coding had been requested.
func (s *Shared) warm(e *export, name, sum string) {
	res, err := s.resource(e.path(name, sum))
	if err != nil || res.redirect != "" || !res.vary {
		return
	}
	for c := range codings {
		if res.coded[c].sibling == nil && s.encodes(c, res.plain) {
			s.made(res, c)
		}
	}
}
