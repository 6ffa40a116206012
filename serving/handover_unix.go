//go:build unix

package serving

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/internal/listen"
)

// envReady is the descriptor to which a new process writes once it serves.
const envReady = "ZEUG_READY"

// executable is the program's path, found while the working directory is still the one in which it
// was started. It is not the file of the running program, since that may be replaced.
var executable, executableErr = exec.LookPath(os.Args[0])

var workingDir, _ = os.Getwd()

// A terminal that is closed sends SIGHUP too.
var fromTerminal = hasTerminal()

func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// asks returns the request of a signal.
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

// ignoreStops ignores the signals that supervisors send to servers such as gunicorn, where they
// have another meaning. Otherwise they would freeze the process.
func ignoreStops() { signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU) }

// asked reports whether a process sent a SIGHUP. A SIGHUP of a closed terminal means the end.
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

// handover starts the program again with the listeners of this process, and returns when the new
// one serves. If ctx ends before that, it ends the new process and returns an error.
func (s *Server) handover(ctx context.Context) (pid int, err error) {
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
	defer context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Now()) })()
	report := make([]byte, max(1, len(raws)))
	n, err := ready.Read(report)
	if err != nil {
		child.Process.Kill()
		return 0, fmt.Errorf("process %d did not become ready: %w", child.Process.Pid, errors.Join(err, <-ended))
	}
	for i, l := range s.listeners {
		// If a release does not report which ones it took, it has taken all of them.
		if i >= n && n > 1 || i < n && report[i] == notTaken {
			continue
		}
		l.shared = true
		listen.SetUnlinkOnClose(l.raw, false) // the file now belongs to the new process
	}
	return child.Process.Pid, nil
}

// terminate asks a process to end, as the user would ask this one.
func terminate(pid int) { syscall.Kill(pid, syscall.SIGTERM) }

// The report of a new process on each socket that it got.
const notTaken, isTaken = 0, 1

// reporter holds the pipe to the process that started this one. Children of
// this process do not inherit it, because the older process would then wait for
// them.
var reporter = takeReporter()

func takeReporter() *os.File {
	number := os.Getenv(envReady)
	os.Unsetenv(envReady)
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), envReady)
}

// reportReady tells the process that started this one that this process serves,
// and on which of the sockets.
func (s *Server) reportReady() {
	if reporter == nil {
		return
	}
	report := make([]byte, max(1, len(s.taken)))
	report[0] = isTaken
	for i, taken := range s.taken {
		report[i] = notTaken
		if taken {
			report[i] = isTaken
		}
	}
	reporter.Write(report)
	reporter.Close()
}

// reloading is the message that systemd expects, with the time of the monotonic clock.
func reloading() string {
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic(), 10)
}
