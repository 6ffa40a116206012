//go:build withc

package main

// #include <stdlib.h>
import "C"

// A program that links with C has memory and threads that Go did not make.
//
//lint:ignore U1000 it is C's
var allocated = C.malloc(1 << 20)
