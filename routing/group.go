package routing

import "strings"

// Group is anything that stands for rules: a single [Rule], or one of the groups of this file,
// which can be nested.
type Group[T any] interface {
	// Rules returns the rules of the group.
	Rules() []Rule[T]
}

// Rules are several rules as one group.
type Rules[T any] []Group[T]

// Rules returns the rules of all groups in the list.
func (list Rules[T]) Rules() []Rule[T] {
	return appendRules(make([]Rule[T], 0, count(list)), list)
}

// count returns the minimum number of rules in groups. A group of another type counts as one rule:
// its Rules is called only once, by appendRules.
func count[T any](groups []Group[T]) (n int) {
	for _, g := range groups {
		if list, ok := g.(Rules[T]); ok {
			n += count(list)
		} else {
			n++
		}
	}
	return n
}

// appendRules appends the rules of groups to rules.
func appendRules[T any](rules []Rule[T], groups []Group[T]) []Rule[T] {
	for _, g := range groups {
		switch g := g.(type) {
		// The two common types are appended without a list in between. A Map of 10,000 rules would
		// otherwise make a list of one element for each.
		case Rule[T]:
			rules = append(rules, g)
		case Rules[T]:
			rules = appendRules(rules, g)
		default:
			rules = append(rules, g.Rules()...)
		}
	}
	return rules
}

// Submount puts rules below a path, which may have variables. Below "/blog/", the rule "/<slug>"
// becomes "/blog/<slug>", and "/" becomes "/blog/".
func Submount[T any](path string, groups ...Group[T]) Group[T] {
	path = strings.TrimRight(path, "/")
	return changed(groups, func(r *Rule[T]) { r.Path = path + r.Path })
}

// Subdomain sets the subdomain of rules that have none. If groups are nested, the inner one counts;
// in Werkzeug the outer one replaces it.
func Subdomain[T any](pattern string, groups ...Group[T]) Group[T] {
	return changed(groups, func(r *Rule[T]) {
		if r.Subdomain == "" && !r.BareHost {
			r.Subdomain = pattern
		}
	})
}

// Host sets the host of rules that have none.
func Host[T any](pattern string, groups ...Group[T]) Group[T] {
	return changed(groups, func(r *Rule[T]) {
		if r.Host == "" {
			r.Host = pattern
		}
	})
}

// EndpointPrefix puts a prefix before the endpoints of rules. A rule without an endpoint still has
// none.
func EndpointPrefix[T any](prefix string, groups ...Group[T]) Group[T] {
	return changed(groups, func(r *Rule[T]) {
		if r.Endpoint != "" {
			r.Endpoint = prefix + r.Endpoint
		}
	})
}

// Template replaces "$name" and "${name}" in the rules' paths, endpoints, subdomains, hosts,
// redirects and string defaults by the values of names; "$$" is a dollar sign, and an unknown name
// stays unchanged. With name="user", the rule "/$name/<int:id>" with the endpoint "${name}_page"
// becomes "/user/<int:id>" with the endpoint "user_page".
func Template[T any](names map[string]string, groups ...Group[T]) Group[T] {
	fill := func(text *string) { *text = substitute(*text, names) }
	return changed(groups, func(r *Rule[T]) {
		for _, text := range []*string{&r.Path, &r.Endpoint, &r.Subdomain, &r.Host, &r.RedirectTo} {
			fill(text)
		}
		// The map belongs to the caller, who may use the rule in another group, so it is not
		// changed.
		defaults := make(map[string]any, len(r.Defaults))
		for name, value := range r.Defaults {
			if text, ok := value.(string); ok {
				value = substitute(text, names)
			}
			defaults[name] = value
		}
		if r.Defaults != nil {
			r.Defaults = defaults
		}
	})
}

// changed is a group of changed copies of rules.
func changed[T any](groups []Group[T], change func(*Rule[T])) Group[T] {
	rules := Rules[T](groups).Rules()
	list := make(Rules[T], len(rules))
	for i := range rules {
		change(&rules[i])
		list[i] = rules[i]
	}
	return list
}

// substitute replaces the names in text, as Python's string.Template does in Werkzeug's
// RuleTemplate:
//
//	$name     a name ends before the first character that cannot be part of it
//	${name}   or at its brace: "${name}s"
//	$$        a dollar sign
//	$x        unchanged, if x is not one of the names
func substitute(text string, names map[string]string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if strings.HasPrefix(after, "$") {
			b.WriteByte('$')
			text = after[1:]
			continue
		}
		name, rest := after, ""
		if strings.HasPrefix(after, "{") {
			// "${" without a brace behind the name is not a name, so the dollar sign stays.
			var closed bool
			if name, rest, closed = strings.Cut(after[1:], "}"); !closed {
				name, rest = "", after
			}
		} else {
			n := 0
			for n < len(after) && isWordByte(after[n], n > 0) {
				n++
			}
			name, rest = after[:n], after[n:]
		}
		value, known := names[name]
		if !known {
			b.WriteByte('$')
			text = after
			continue
		}
		b.WriteString(value)
		text = rest
	}
}
