// Package urls adds to net/url: it reads and writes queries without loss, converts between IRIs
// (with the characters that people write) and URIs (with the characters that are sent), resolves
// references, and checks the host of a request.
package urls
