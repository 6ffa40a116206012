//go:build !unix

package cgi

import "os"

// terminate is the only signal there is.
var terminate = os.Interrupt
