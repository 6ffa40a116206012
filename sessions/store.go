package sessions

import (
	"context"
	"errors"
	"time"
)

// Store keeps sessions on the server. [Memory] keeps them in the process; package redisstore keeps
// them in Redis, Redis Cluster and behind Sentinels. All methods may be called by several
// goroutines at once, and they return when their context ends.
//
// A session has fields, each a name with a value. The id is not the one in the cookie but a hash
// of it, so the content of a Store cannot be used as a cookie.
type Store interface {
	// Load returns the fields of a session, nil if there is no such session or if
	// it has expired. The caller may change the map but not the values.
	Load(ctx context.Context, id string) (map[string][]byte, error)

	// Save makes the whole change or nothing, without any other change in between. It returns the
	// fields that it removed, with their values. The error is [ErrNoSession] if there is no such
	// session and change.Create is not set.
	Save(ctx context.Context, id string, change Change) (removed map[string][]byte, err error)
}

// Change is what [Store.Save] does to a session, in the order of the fields.
type Change struct {
	// Create begins the session if there is none.
	Create bool
	// Clear removes all fields.
	Clear bool
	// Remove lists fields to remove.
	Remove []string
	// Set has fields to set. A session without fields does not exist.
	Set map[string][]byte
	// TTL is how long the session lives from now on. Its precision is a millisecond. 0 leaves that
	// unchanged. It is positive whenever Create is set.
	TTL time.Duration
}

// ErrNoSession is the error of [Store.Save] for a session that does not exist.
var ErrNoSession = errors.New("sessions: no such session")
