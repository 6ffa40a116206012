// Package routelist is how "zeug routes" learns the rules of a program: it
// starts the program with the variable ZEUG_ROUTES, maps of rules register here,
// and in place of serving the program writes them to the file that the variable
// names, as JSON. Without the variable nothing is kept.
package routelist

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// Env is the variable that names the file.
const Env = "ZEUG_ROUTES"

// A Route is a rule in a list.
type Route struct {
	// Map numbers the maps of the program from 1, in the order of their making.
	Map      int      `json:"map"`
	Path     string   `json:"path"`
	Endpoint string   `json:"endpoint,omitempty"`
	Methods  []string `json:"methods,omitempty"` // none: all
	// Place is the pattern of the host or subdomain, if there is one.
	Place string `json:"place,omitempty"`
	// Note says what the rule does besides leading to its target.
	Note string `json:"note,omitempty"`
	// Where is the file and line of its registration.
	Where string `json:"where"`
}

var (
	file = os.Getenv(Env)
	mu   sync.Mutex
	maps []func() []Route
)

// Wanted reports whether a list is wanted in place of a server.
func Wanted() bool { return file != "" }

// Add registers a map, whose rules are asked for when the program would serve.
func Add(rules func() []Route) {
	if !Wanted() {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	maps = append(maps, rules)
}

// Write writes the list.
func Write() error {
	mu.Lock()
	defer mu.Unlock()
	routes := []Route{}
	for i, rules := range maps {
		for _, r := range rules() {
			r.Map = i + 1
			routes = append(routes, r)
		}
	}
	text, err := json.Marshal(routes)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the list of rules: %w", err)
	}
	return nil
}
