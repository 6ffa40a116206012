package vet

import "go/token"

// span is a place in a template.
type span struct {
	pos, end token.Pos
	quote    byte // of a string
}

func (s span) Pos() token.Pos { return s.pos }

func (s span) End() token.Pos { return s.end }

// template is what a template refers to.
type template struct {
	name, path string
	text       string
	file       *token.File
	// parents are the templates that it extends, includes and imports.
	parents []reference
	dynamic bool                // it includes a template whose name is computed
	defined map[string]bool     // by set, import, macro and cycle in blocks and macros
	outer   map[string]bool     // by the same tags outside of blocks and macros
	exports map[string]bool     // the macros among outer that other templates may import
	given   map[string][]*local // by include … with, and by the tags around a block
	blocks  map[string]*block
	outside []outside // tags and values that are in no other tag
	pairs   []pair
	macros  map[string]int // the macros that it defines, with their numbers of parameters
	imports map[string]imported
	uses    []*use
	filters []filter
	foreign bool // it has tags of the program
	broken  bool // pongo2 does not parse it
}

// block is a block of a template.
type block struct {
	at     span
	nested bool     // in another block
	around []string // the names of the tags around it
	super  bool     // it uses the block that it replaces
}

// pair are the two names of a loop: for key, value in map.
type pair struct {
	of    *use // nil if it is not known
	name  string
	at    span
	local *local
}

// imported is a macro of another template.
type imported struct{ template, macro string }

// outside is a tag or a value outside of blocks.
type outside struct {
	tag string // "" for a value
	at  span
}

// extends returns the reference to the template that it extends, nil if there is none.
func (t *template) extends() *reference {
	for i, ref := range t.parents {
		if ref.tag == "extends" {
			return &t.parents[i]
		}
	}
	return nil
}

type filter struct {
	name string
	at   span
}

type reference struct {
	tag    string // extends, include or import
	name   string
	at     span
	maybe  bool     // if_exists
	macros []string // that are imported
	given  []string // the names of include … with, and of the tags around it
	only   bool     // the included template gets no other names
	blocks []string // in which it is
}

// use is a name with the fields and calls after it: cart.Items.0, price(item).
type use struct {
	root     string
	at       span
	local    *local
	called   bool
	args     [][]lexeme // of a call of the name itself
	steps    []step
	optional bool // a filter gives a default
	whole    bool // nothing but the name itself is used
	blocks   []string
	macro    string // in whose body it is, "" if in none
}

type step struct {
	name   string
	index  bool // [0] or .0
	called bool
	args   [][]lexeme
	at     span
}

// local is a name that a tag defines.
type local struct {
	of      *use // nil if its value is not known
	element bool // of the list, or the key of the map if there is one name
	key     bool // of the map, or the element of the list if there are two names
	second  bool // the value of the map
	loop    bool // it is forloop
}
