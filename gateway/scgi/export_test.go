package scgi

// ReadVariables is readVariables, for tests.
var ReadVariables = readVariables
