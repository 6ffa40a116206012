// Package similar finds the known name that is most like a misspelt one, for "did you mean".
package similar

// Name returns the name that is most like the given one (the first, if several are), and how
// similar it is: 1 for the same name, 0 for a name without a common byte. It looks at the first 200
// bytes of each.
func Name(name string, names []string) (best string, likeness float64) {
	const most = 200
	name = name[:min(len(name), most)]
	for _, other := range names {
		other = other[:min(len(other), most)]
		if total := len(name) + len(other); total > 0 && other != best {
			if l := 2 * float64(common(name, other)) / float64(total); l > likeness {
				best, likeness = other, l
			}
		}
	}
	return best, likeness
}

// common is the length of the longest common subsequence of a and b: the
// longest string that both become when bytes are removed.
func common(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range len(a) {
		before := 0 // row[j] of the byte before
		for j := range len(b) {
			here := max(row[j], row[j+1])
			if a[i] == b[j] {
				here = before + 1
			}
			before, row[j+1] = row[j+1], here
		}
	}
	return row[len(b)]
}
