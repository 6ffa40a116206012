//go:build race

package vet

// stride says which mutations are tried: each, or every fifth if the race detector makes them
// slow.
const stride = 5
