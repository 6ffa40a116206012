package postmortem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// isOwn reports whether a file belongs to the user of the process.
func isOwn(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// lock locks a folder until it is closed, unless another process has locked it.
func lock(dir *os.File) error {
	err := control(dir, func(fd int) error { return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) })
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// freeSpace returns how many bytes the process may still write to the disk of a folder.
func freeSpace(dir *os.File) (int64, error) {
	var stat syscall.Statfs_t
	err := control(dir, func(fd int) error { return syscall.Fstatfs(fd, &stat) })
	return int64(stat.Bavail) * int64(stat.Bsize), err
}

// control makes a system call with the descriptor of a folder.
func control(dir *os.File, call func(fd int) error) error {
	raw, err := dir.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = call(int(fd)) }); err != nil {
		return err
	}
	if failure != nil {
		return fmt.Errorf("folder %s: %w", dir.Name(), failure)
	}
	return nil
}
