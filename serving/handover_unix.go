//go:build unix

package serving

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/serving/listen"
)

// envReady is the descriptor to which a new process writes once it serves.
const envReady = "ZEUG_READY"

// executable is the program's path while the working directory is still the
// one it was started from. It is not the running file: that may be replaced.
var executable, executableErr = exec.LookPath(os.Args[0])

var workingDir, _ = os.Getwd()

// A terminal that goes sends SIGHUP too.
var fromTerminal = hasTerminal()

func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// asks says what a signal asks for.
type asks int

const (
	toEnd asks = iota
	toHandOver
	toHangUp
)

// lifeSignals are the signals that ask for something else than the end.
func lifeSignals(o *Options) (signals []os.Signal) {
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	if o.HangUp != nil {
		signals = append(signals, syscall.SIGUSR2)
	}
	return signals
}

// asked tells a SIGHUP that somebody sent from that of a terminal that is gone,
// which means the end.
func asked(s os.Signal, o *Options) asks {
	switch {
	case s == syscall.SIGUSR2:
		return toHandOver
	case s != syscall.SIGHUP || fromTerminal && !hasTerminal():
		return toEnd
	case o.HangUp != nil:
		return toHangUp
	}
	return toHandOver
}

// handover starts the program anew with the listeners of this process, and
// returns when the new one serves.
func (s *Server) handover() (pid int, err error) {
	if os.Getpid() == 1 {
		return 0, errors.New("this is process 1 of a container, which ends with it: start a new container beside it instead")
	}
	if executableErr != nil {
		return 0, executableErr
	}
	var addrs []string
	var raws []net.Listener
	for _, l := range s.listeners {
		addrs, raws = append(addrs, l.addr), append(raws, l.raw)
	}
	// The child's descriptors are 0 to 2, the pipe, and the sockets.
	files, env, err := listen.Handover(4, addrs, raws)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	ready, theirs, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer ready.Close()
	child := exec.Command(executable, os.Args[1:]...)
	child.Dir = workingDir
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.ExtraFiles = append([]*os.File{theirs}, files...)
	child.Env = append(os.Environ(), env, envReady+"=3")
	err = child.Start()
	theirs.Close()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", executable, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	ready.SetReadDeadline(time.Now().Add(handoverTime))
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		child.Process.Kill()
		return 0, fmt.Errorf("process %d did not become ready: %w", child.Process.Pid, errors.Join(err, <-ended))
	}
	for _, l := range s.listeners {
		l.shared = true
		if u, ok := l.raw.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // the file is the new process's now
		}
	}
	return child.Process.Pid, nil
}

// reportReady tells the process that started this one that it serves.
func reportReady() {
	number := os.Getenv(envReady)
	os.Unsetenv(envReady)
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return
	}
	f := os.NewFile(uintptr(fd), envReady)
	f.Write([]byte{1})
	f.Close()
}

// reloading is what systemd wants to be told with its monotonic clock.
func reloading() string {
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic(), 10)
}
