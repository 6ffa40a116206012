//go:build !unix

package staticfiles_test

import "testing"

func makeFIFO(*testing.T, string) {}
