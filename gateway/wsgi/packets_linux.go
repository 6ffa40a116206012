//go:build !otherunix

package wsgi

import "syscall"

// packetSocket is the kind of a slot's socket for requests.
const packetSocket = syscall.SOCK_SEQPACKET

// canSendAhead says that requests in that socket can be taken back one by one.
const canSendAhead = true

// closeOnExec is how descriptors are received that no other process is to have.
const closeOnExec = syscall.MSG_CMSG_CLOEXEC
