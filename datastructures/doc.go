// Package datastructures holds the values that requests and responses are made
// of: ordered dictionaries with several values for each key, cookies, and one
// type per structured header field.
//
// Each header type has a ParseX function and a String method, and they round-trip:
// ParseX(x.String()) is x. Parsing never fails on input from a client: a part that has no meaning
// is left out, and if nothing is left the second result is false.
package datastructures
