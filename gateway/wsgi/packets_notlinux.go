//go:build unix && (!linux || otherunix)

package wsgi

import "syscall"

// packetSocket is a stream: macOS has no local socket of packets that tells its
// reader of its end.
const packetSocket = syscall.SOCK_STREAM

// canSendAhead is false, so that no more than one request is in that stream.
const canSendAhead = false

// closeOnExec cannot be asked for here.
const closeOnExec = 0
