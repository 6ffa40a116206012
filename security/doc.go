// Package security protects applications against hostile input and stolen data. It has password
// hashes, paths that stay below a directory, and file names that are safe to store. With a
// [Signer], clients carry values that they cannot change. With a [Box], they can neither read nor
// change them.
//
// The standard library has more, which this package does not repeat. [os.Root] opens files below a
// directory whatever links it holds, and [path/filepath.IsLocal] checks a path.
// [net/http.CrossOriginProtection] refuses requests that another site sends on a visitor's behalf.
// [crypto/subtle] compares in constant time.
package security
