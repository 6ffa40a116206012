// Package starterror tells the errors of a start from those of a server that has served, for the
// exit code.
package starterror

// Error says why a server did not start.
type Error struct{ Err error }

// Error returns the one line.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
