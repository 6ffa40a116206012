// Package urls does to URLs what net/url leaves out: queries read and written
// without loss, IRIs (with the characters people write) to URIs (with those
// that travel) and back, references resolved, and the host of a request
// checked against the names an application answers to.
package urls
