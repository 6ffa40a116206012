// Package security has what applications need against hostile input and stolen data: password
// hashes, paths that stay below a directory, and names of files that are safe to store. Clients
// carry values that they cannot change ([Signer]), or can neither read nor change ([Box]).
//
// The standard library does more, which is not repeated here. [os.Root] opens files below a
// directory whatever links it holds, and [path/filepath.IsLocal] checks a path.
// [net/http.CrossOriginProtection] refuses requests that another site makes in a visitor's name.
// [crypto/subtle] compares in constant time.
package security
