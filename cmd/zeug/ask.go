package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Asking a server at its control socket.

// errNoServer says that a socket belongs to a server that has ended without removing it.
var errNoServer = errors.New("no server answers there")

// ask sends one request to the control socket at path.
func ask(path, method, target string, limit time.Duration) (*http.Response, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}
	r, err := http.NewRequest(method, "http://zeug"+target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport, Timeout: limit}).Do(r)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", path, errNoServer)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s belongs to another user: run this as that one", path)
	}
	return resp, err
}

func askStatus(path string) (status serverStatus, err error) {
	resp, err := ask(path, http.MethodGet, "/status", 10*time.Second)
	if err != nil {
		return status, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return status, fmt.Errorf("%s: this is not the socket of a zeug serve: %w", path, err)
	}
	return status, nil
}

// askReload asks the server to replace its workers, and returns the reason if it does not.
func askReload(path string, limit time.Duration) error {
	resp, err := ask(path, http.MethodPost, "/reload", limit)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	return nil
}
