package debugger

import "fmt"

// maxCauses bounds the list of causes: an error whose Unwrap returns itself, or
// a tree grown by errors.Join in a loop, ends there.
const maxCauses = 64

// Cause is an error in the tree of errors below the one that is reported.
type Cause struct {
	// Type is the error's Go type, "*fs.PathError".
	Type string `json:"type"`
	// Message is what its Error method returns.
	Message string `json:"message"`
	// Depth is how far below the reported error it stands, from 0.
	Depth int `json:"depth"`
	// Frames is where the error was made, if it knows.
	Frames []Frame `json:"frames,omitempty"`

	err error
}

// causes lists err and all errors it wraps, by either form of Unwrap, in the
// order in which errors.Is visits them.
func (s *sources) causes(err error) []Cause {
	var list []Cause
	var visit func(error, int)
	visit = func(err error, depth int) {
		if err == nil || len(list) == maxCauses {
			return
		}
		pcs := stackOf(err)
		if raised, ok := panicking(pcs); ok {
			pcs = raised
		}
		list = append(list, Cause{
			Type:    fmt.Sprintf("%T", err),
			Message: message(err),
			Depth:   depth,
			Frames:  s.frames(pcs),
			err:     err,
		})
		for _, inner := range unwrap(err) {
			visit(inner, depth+1)
		}
	}
	visit(err, 0)
	return list
}

// unwrap returns the errors that err wraps, none where its Unwrap panics.
func unwrap(err error) (inner []error) {
	defer func() { _ = recover() }()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// message is err.Error(), or a note where that method itself panics: a nil
// pointer in an error interface is often the very bug that is looked for.
func message(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("(its Error method panicked: %v)", p)
		}
	}()
	return err.Error()
}
