package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// How "zeug status" finds the control socket of a server: beside the PID file if there is one, or
// in a folder of the user. That folder has an entry for each of the user's servers, named after the
// process ID. The entry is a link if the socket itself is elsewhere.

const controlSuffix = ".control"

// besidePIDFile is /run/app/zeug.control for /run/app/zeug.pid.
func besidePIDFile(name string) string {
	return strings.TrimSuffix(name, ".pid") + controlSuffix
}

// folderOf is the folder of a user's sockets: in $XDG_RUNTIME_DIR, or one among the temporary
// files that no other user may enter.
func folderOf(uid int) string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && uid == os.Getuid() {
		return filepath.Join(dir, "zeug")
	}
	return filepath.Join(os.TempDir(), "zeug-"+strconv.Itoa(uid))
}

// ownFolder makes the folder of this user. A folder that another user has made in its place is
// refused.
func ownFolder() (string, error) {
	dir := folderOf(os.Getuid())
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, private(dir, os.Getuid())
}

// private returns an error unless dir is a folder of this user's alone.
func private(dir string, uid int) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if owner, known := ownerOf(info); !info.IsDir() || info.Mode().Perm()&0o077 != 0 || known && owner != uid {
		return fmt.Errorf("%s is not a folder of this user's alone: remove it, or choose a place by --control", dir)
	}
	return nil
}

// controlsOf returns the sockets that the name of a server may mean: a PID file,
// the number of a process, or the socket itself. Without a name they are all of
// this user's.
func controlsOf(name string) ([]string, error) {
	dir := folderOf(os.Getuid())
	if name == "" {
		if private(dir, os.Getuid()) != nil {
			return nil, nil
		}
		found, err := filepath.Glob(filepath.Join(dir, "*"+controlSuffix))
		slices.Sort(found)
		return found, err
	}
	pid, err := strconv.Atoi(name)
	if err != nil {
		if isSocket(name) {
			return []string{name}, nil
		}
		if pid, err = serverOf(name); err != nil {
			return nil, err
		}
		if beside := besidePIDFile(name); isSocket(beside) {
			return []string{beside}, nil
		}
	}
	uid := os.Getuid()
	if info, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
		if owner, known := ownerOf(info); known {
			uid = owner
		}
	}
	for _, dir := range []string{folderOf(uid), filepath.Join(os.TempDir(), "zeug-"+strconv.Itoa(uid)), fmt.Sprintf("/run/user/%d/zeug", uid)} {
		if path := filepath.Join(dir, strconv.Itoa(pid)+controlSuffix); isSocket(path) && private(dir, uid) == nil {
			return []string{path}, nil
		}
	}
	return nil, nil
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeSocket != 0
}
