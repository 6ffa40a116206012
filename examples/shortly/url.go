package main

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeugkit/zeug/urls"
)

// maxURL is how long a URL may be, in bytes: the length that RFC 9110, section 4.1, asks everyone
// to support.
const maxURL = 8000

// refusal tells the person who typed a URL why it is not accepted.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	refusedEmpty     refusal = "Please enter a URL."
	refusedScheme    refusal = "Please enter a valid URL: one that begins with http:// or https://."
	refusedHost      refusal = "Please enter a valid URL: the host of this one is missing or not valid."
	refusedLength    refusal = "Please enter a shorter URL: 8,000 bytes is the most."
	refusedOurs      refusal = "Please enter a URL of another site: this one is short already."
	refusedCharacter refusal = "Please enter a valid URL: this one has characters that cannot be seen."
)

// checkURL returns the URL that was typed, without space around it, or a
// refusal. Only http and https with a host are accepted. After the host, any
// character that can be typed is accepted: the target has to understand the
// rest.
func checkURL(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "":
		return "", refusedEmpty
	case len(typed) > maxURL:
		return "", refusedLength
	case !utf8.ValidString(typed) || strings.ContainsFunc(typed, unseen):
		return "", refusedCharacter
	}
	authority, ok := afterScheme(typed)
	if !ok {
		return "", refusedScheme
	}
	if !validAuthority(authority) {
		return "", refusedHost
	}
	return typed, nil
}

// validAuthority reports whether a host and a port have the form of a name or an address.
func validAuthority(authority string) bool {
	u, err := url.Parse("http://" + authority)
	if err != nil {
		return false
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	if strings.HasPrefix(u.Host, "[") {
		_, err = netip.ParseAddr(u.Hostname())
	} else {
		_, err = urls.HostToASCII(u.Hostname())
	}
	return err == nil
}

// unseen reports characters that deceive people who read a URL: controls, and characters that
// change the direction of the text.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// afterScheme returns the string between "http://" or "https://" and the path.
func afterScheme(address string) (authority string, ok bool) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest, true
}

// hostname returns the host of a URL, with its port: not the user name before it, which an
// attacker can make look like a host.
func hostname(address string) string {
	authority, _ := afterScheme(address)
	return authority[strings.LastIndexByte(authority, '@')+1:]
}

// foreign is a part of a URL between two delimiters that has characters outside ASCII.
var foreign = regexp.MustCompile(`[^:/?#\[\]@!$&'()*+,;=.]*[^\x00-\x7f][^:/?#\[\]@!$&'()*+,;=.]*`)

// pieces splits a URL at the characters where its text may change direction. A page that isolates
// each piece shows the host before the path, and a folder before what is in it, also in Hebrew and
// Arabic: a browser would order "http://a/ב/ג" as "http://a/ג/ב".
func pieces(address string) []string {
	var list []string
	start := 0
	for _, at := range foreign.FindAllStringIndex(address, -1) {
		if at[0] > start {
			list = append(list, address[start:at[0]])
		}
		list = append(list, address[at[0]:at[1]])
		start = at[1]
	}
	if start < len(address) {
		list = append(list, address[start:])
	}
	return list
}

// leadsBelow reports whether an address is below the URL root. A short link to one of our own
// addresses could redirect to itself forever, and count each time. Another name of this host, or
// another shortener, can still close a loop; browsers stop after some twenty redirects.
func leadsBelow(root, address string) bool {
	ours, err := url.Parse(root)
	if err != nil {
		return false
	}
	authority, _ := afterScheme(address)
	_, path, _ := strings.Cut(address, authority)
	host := hostname(urls.IRIToURI(address))
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
	return strings.EqualFold(host, ours.Host) && strings.HasPrefix(path+"/", ours.Path)
}
