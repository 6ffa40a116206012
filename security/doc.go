// Package security holds what applications need against hostile input and
// stolen data: hashes of passwords, texts that clients carry and can neither
// read nor change ([Box]) or can read ([Signer]), paths that stay below a
// directory, and names of files that are safe to store.
//
// What the standard library does is not repeated here: [os.Root] opens files
// below a directory whatever links it holds, [path/filepath.IsLocal] judges a
// path, [net/http.CrossOriginProtection] refuses requests that another site
// makes in a visitor's name, and [crypto/subtle] compares without telling how
// far it got.
package security
