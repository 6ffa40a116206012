// Package vet finds mistakes in programs that use Zeug before they run. It reports rules that do not parse, links
// to endpoints that do not exist, and variables that a rule does not have. It also reports misspelt templates and
// static files, and names that no page passes to its template.
//
// "zeug vet" loads whole programs by [Load] and checks them by [Check]. [Analyzer] checks one
// package at a time, for "go vet -vettool", golangci-lint and gopls. It finds less, because the
// rules of an application may be in another package.
//
// # How it knows
//
// Rules, endpoints and template names are strings that a program computes. The package follows the
// program backwards from the place where a string is used to the place where it is written:
//
//	urls, err := routing.NewMap(rules()...)      rules is a function of the program: its results
//	func rules() []routing.Group[view] {         are followed, with the arguments of the call
//		return []routing.Group[view]{
//			routing.Rule[view]{Path: prefix + "/users", …},   prefix is a constant
//		}
//	}
//
// It follows constants, variables and struct fields by all expressions that are assigned to them,
// parameters by all calls, and results of functions. If it cannot follow something, such as a rule that is read
// from a file, it is silent about everything that depends on it. [Result].Skipped lists those places.
//
// The strings that it finds are checked by Zeug itself: rules by a [routing.Map] that is made of
// them, URLs by that map, templates by [templates.New].
package vet
