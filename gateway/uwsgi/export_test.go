package uwsgi

// ReadVariables is readVariables, for tests.
var ReadVariables = readVariables
