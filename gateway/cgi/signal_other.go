//go:build !unix

package cgi

import "os"

// terminate is the only signal that this system has.
var terminate = os.Interrupt
