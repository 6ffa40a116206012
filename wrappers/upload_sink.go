package wrappers

import "io"

// Sink decides where the file of a part goes, before its first byte is read.
// The writer receives the content as it arrives: a hash, a file of the
// caller's, a pipe into an upload to somewhere else. A nil writer leaves the
// file to memory and temporary files. An error ends the reading of the form,
// and answers the request as any error does.
//
// When the file is complete a writer that is an [io.Closer] is closed; when it
// breaks off, CloseWithError is called if the writer has it, as an
// [io.PipeWriter] does, and else Close.
type Sink func(part *Part) (io.Writer, error)

// closeSink ends a sink's writer.
func closeSink(w io.Writer, failed error) error {
	if failed != nil {
		if c, ok := w.(interface{ CloseWithError(error) error }); ok {
			return c.CloseWithError(failed)
		}
	}
	if c, ok := w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
