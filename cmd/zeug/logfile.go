package main

import (
	"fmt"
	"os"
	"sync"
)

// logFile is a file that can be reopened, after logrotate has moved it.
type logFile struct {
	name string
	mu   sync.Mutex
	file *os.File
	stop func()
}

func openLog(name string) (*logFile, error) {
	l := &logFile{name: name}
	if err := l.reopen(); err != nil {
		return nil, err
	}
	l.stop = onReopen(l)
	return l, nil
}

func (l *logFile) reopen() error {
	file, err := os.OpenFile(l.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("--access-log: name a file that this user may write: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file = file
	return nil
}

func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(b)
}

func (l *logFile) close() {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file.Close()
}
