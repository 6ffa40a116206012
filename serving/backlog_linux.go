package serving

import (
	"net"
	"syscall"
)

// onlyOpened lets everything reach a listening socket except the first packet
// of a connection: ldb [13] loads the flags of TCP, and SYN without ACK is
// dropped.
var onlyOpened = []syscall.SockFilter{
	{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13},
	{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: 0x12},
	{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jt: 1, K: 0x02},
	{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffff},
	{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
}

// holdNew prevents new connections at l while the waiting ones are accepted. A client that connects
// now tries again after a second and finds the listener closed. So it does not lose a connection
// that it believed to be open.
func holdNew(l net.Listener) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		//lint:ignore SA1019 x/net/bpf assembles programs and cannot attach them to a listener
		raw.Control(func(fd uintptr) { syscall.AttachLsf(int(fd), onlyOpened) })
	}
}
