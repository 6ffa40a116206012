package reload

import (
	"io"
	"os"
	"path/filepath"
	"time"
)

// A supervisor that is killed leaves its folder behind. The folder has executables, and cores of
// hundreds of megabytes with the secrets of the program. A file in the folder is locked while its
// supervisor lives, so the next supervisor knows what it may remove.

// folderPrefix is the prefix of supervisors' folders, and lockName is the name of the locked file.
const (
	folderPrefix = "zeug-run-"
	lockName     = "lock"
)

// unlockedTime is how old a folder without a lock must be to be removed: its supervisor
// may be about to lock it.
const unlockedTime = time.Hour

// removeStale removes the folders of this user's supervisors that were killed.
func removeStale(temp string) {
	folders, err := filepath.Glob(filepath.Join(temp, folderPrefix+"*"))
	if err != nil {
		return // the path of the temporary folder is not a valid pattern
	}
	for _, folder := range folders {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || !isOwned(info) {
			continue
		}
		lock, free := tryLock(filepath.Join(folder, lockName))
		if free && (lock != nil || time.Since(info.ModTime()) > unlockedTime) {
			removeFolder(folder)
		}
		if lock != nil {
			lock.Close()
		}
	}
}

// removeTime is how long the removal of a folder is repeated while something writes into it. On a
// busy machine a killed process takes some time to end.
const removeTime = 5 * time.Second

func removeFolder(folder string) {
	for end := time.Now().Add(removeTime); os.RemoveAll(folder) != nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// lockFolder locks a folder until the result is closed. The lock's file gets its name when it is locked: another
// supervisor would remove a folder whose lock is free. If locking fails, the file is not left there, so that
// other supervisors wait for unlockedTime.
func lockFolder(folder string) io.Closer {
	path := filepath.Join(folder, lockName)
	unlocked := path + "-new"
	if file, err := os.OpenFile(unlocked, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		file.Close()
	}
	if lock, _ := tryLock(unlocked); lock != nil {
		if os.Rename(unlocked, path) == nil {
			return lock
		}
		lock.Close()
	}
	os.Remove(unlocked)
	return io.NopCloser(nil)
}
