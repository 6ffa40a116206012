//go:build unix

package cgi

import "syscall"

// terminate is the signal with which a web server stops a program.
const terminate = syscall.SIGTERM
