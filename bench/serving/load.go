package main

import (
	"os"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
)

// loaded has the rows of whole servers that say hello over 64 connections. Each server has one
// processor and one thread, and wrk the other processor. An App sets Content-Type, as the net/http
// beside it does; otherwise that is left to net/http. net/http has no access log.
func loaded() ([]measure.Subject, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	servers := map[string]*load.Server{}
	for _, peer := range []string{"zeug", logging, "net/http", withType, withApp, loggingApp} {
		servers[peer] = server(self, peer)
		servers[peer].Core, servers[peer].Env = "0", []string{"GOMAXPROCS=1"}
	}
	var list []measure.Subject
	for _, row := range []struct{ name, own, peer string }{
		{"hello under wrk", "zeug", "net/http"},
		{"hello under wrk, with the access log", logging, "net/http"},
		{"hello of an App under wrk", withApp, withType},
		{"hello of an App under wrk, with the access log", loggingApp, withType},
	} {
		request := load.Row{Path: "/", Core: "1"}
		list = append(list, servers[row.own].Subject(row.name, "zeug", request), servers[row.peer].Subject(row.name, "net/http", request))
	}
	return list, nil
}

func server(self, peer string) *load.Server {
	return &load.Server{Command: []string{self, "-serve", peer, "-addr", "ADDR"}}
}
