//go:build !unix

package main

import "errors"

func hangUp(int) error {
	return errors.New("sockets are not handed over on this system: stop the server and start it")
}
