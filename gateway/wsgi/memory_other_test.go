//go:build !linux || otherunix

package wsgi_test

const sharesMemory = false
