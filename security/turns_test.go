package security

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// This file is inside the package so that it can take all turns.

func TestPasswordsWaitForTheirTurn(t *testing.T) {
	hash, err := HashPasswordContext(t.Context(), Argon2id{Memory: 64, Passes: 1, Lanes: 1}, "x")
	require.NoError(t, err)
	for range cap(turns) {
		turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var refused atomic.Int32
	for range 50 {
		all.Go(func() {
			_, check := CheckPasswordContext(ctx, hash, "x")
			_, hashed := HashPasswordContext(ctx, Scrypt{N: 16}, "x")
			_, iterated := HashPasswordContext(ctx, PBKDF2{Iterations: 1}, "x")
			_, filled := HashPasswordContext(ctx, Argon2id{Memory: 64}, "x")
			for _, err := range []error{check, hashed, iterated, filled} {
				if err != nil {
					refused.Add(1)
				}
			}
		})
	}
	done := make(chan bool)
	go func() { done <- CheckPassword(hash, "x") }()
	cancel()
	all.Wait()
	require.EqualValues(t, 200, refused.Load(), "while others hash, nobody else does")
	for range cap(turns) {
		<-turns
	}
	require.True(t, <-done, "a turn comes")
	ok, err := CheckPasswordContext(t.Context(), hash, "x")
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, turns, "all turns are given back")
	ok, err = CheckPasswordContext(ctx, "malformed", "x")
	require.NoError(t, err, "nothing is hashed")
	require.False(t, ok)
}
