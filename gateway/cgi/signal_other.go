//go:build !unix

package cgi

import "os"

// terminate is the one signal there is.
var terminate = os.Interrupt
