//go:build !unix

package main

func (s *pythonServer) resizeOnSignals() {}
