//go:build !otherunix

package wsgi_test

// sharesMemory says that a large answer goes to the server as a file in memory.
const sharesMemory = true
