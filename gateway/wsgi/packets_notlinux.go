//go:build unix && (!linux || otherunix)

package wsgi

import "syscall"

// packetSocket is a stream socket: macOS has no local packet socket that
// reports its end to the reader.
const packetSocket = syscall.SOCK_STREAM

// canSendAhead is false, so that no more than one request is in that stream.
const canSendAhead = false

// closeOnExec is not available on this system.
const closeOnExec = 0
