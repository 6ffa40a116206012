//go:build !otherunix

package wsgi

import "syscall"

// packetSocket is the kind of a slot's socket for requests.
const packetSocket = syscall.SOCK_SEQPACKET

// canSendAhead says that requests in that socket can be taken back one by one.
const canSendAhead = true

// closeOnExec receives descriptors in such a way that no other process inherits
// them.
const closeOnExec = syscall.MSG_CMSG_CLOEXEC
