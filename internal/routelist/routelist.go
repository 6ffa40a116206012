// Package routelist knows the maps of rules that a program has made. The debugger's dashboard and
// "zeug routes" list them. "zeug routes" starts the program with the variable ZEUG_ROUTES. Instead
// of serving, the program writes the rules as JSON to the file that the variable names. Only under
// "zeug routes" does this list keep maps alive.
package routelist

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"weak"
)

// Env is the variable that names the file.
const Env = "ZEUG_ROUTES"

// A Route is a rule in a list.
type Route struct {
	// Map is the number of the map in the program, from 1, in the order in which maps are made.
	Map      int      `json:"map"`
	Path     string   `json:"path"`
	Endpoint string   `json:"endpoint,omitempty"`
	Methods  []string `json:"methods,omitempty"` // none: all
	// Place is the pattern of the host or subdomain, if there is one.
	Place string `json:"place,omitempty"`
	// Note says what the rule does besides its target.
	Note string `json:"note,omitempty"`
	// Where is the file and line of its registration.
	Where string `json:"where"`
}

var (
	file  = os.Getenv(Env)
	mu    sync.Mutex
	maps  []known
	crowd = 64 // how many maps are known when the list drops those that are gone
)

type known struct {
	alive func() bool
	rules func() []Route
	is    func(m any) bool
}

// Wanted reports whether the program must write a list instead of serving.
func Wanted() bool { return file != "" }

// Add registers a map, whose rules are read when "zeug routes" lists them.
func Add[M any](m *M, rules func(*M) []Route) {
	kept := m
	if !Wanted() {
		kept = nil
	}
	at := weak.Make(m)
	mu.Lock()
	defer mu.Unlock()
	if len(maps) >= crowd {
		maps = slices.DeleteFunc(maps, func(k known) bool { return !k.alive() })
		crowd = max(2*len(maps), 64)
	}
	maps = append(maps, known{
		alive: func() bool { return kept != nil || at.Value() != nil },
		rules: func() []Route {
			if m := at.Value(); m != nil {
				return rules(m)
			}
			return nil
		},
		is: func(m any) bool { return m == any(at.Value()) },
	})
}

// Append lists more routes after the rules of a map that Add has registered. They are what answers
// beside the map, such as static files.
func Append[M any](m *M, more []Route) {
	mu.Lock()
	defer mu.Unlock()
	i := slices.IndexFunc(maps, func(k known) bool { return k.is(m) })
	k := maps[i]
	maps[i].rules = func() []Route {
		if !k.alive() {
			return nil
		}
		return append(k.rules(), more...)
	}
}

// All returns the rules of all existing maps, in the order in which the maps were made.
func All() []Route {
	mu.Lock()
	list := slices.Clone(maps)
	mu.Unlock()
	routes := []Route{}
	number := 0
	for _, k := range list {
		rules := k.rules()
		if rules != nil {
			number++
		}
		for _, r := range rules {
			r.Map = number
			routes = append(routes, r)
		}
	}
	return routes
}

// Write writes the list.
func Write() error {
	text, err := json.Marshal(All())
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the list of rules: %w", err)
	}
	return nil
}
