package wrappers

import (
	"net/http"
	"slices"

	"github.com/zeugkit/zeug/httperror"
)

// FetchMetadata says what a browser was about when it made the request (Fetch
// Metadata Request Headers, W3C). Its fields are "" where the client sent no
// such header, or a value that is not known: a browser newer than this list.
// Scripts cannot set these headers; other clients can.
type FetchMetadata struct {
	// Site is how the page that asks is related to this one: "same-origin",
	// "same-site", "cross-site", or "none" for a user's own doing.
	Site string
	// Mode is "navigate", "cors", "no-cors", "same-origin" or "websocket".
	Mode string
	// Dest is what the answer is for: "document", "image", "script", …, or
	// "empty" for a script's fetch.
	Dest string
	// User reports that a user caused the navigation.
	User bool
}

var (
	fetchSites = []string{"cross-site", "same-origin", "same-site", "none"}
	fetchModes = []string{"cors", "navigate", "no-cors", "same-origin", "websocket"}
	fetchDests = []string{
		"audio", "audioworklet", "document", "embed", "empty", "fencedframe", "font", "frame", "iframe", "image",
		"json", "manifest", "object", "paintworklet", "report", "script", "serviceworker", "sharedworker", "style",
		"text", "track", "video", "webidentity", "worker", "xslt",
	}
)

// Fetch returns the Sec-Fetch headers.
func (req *Request) Fetch() FetchMetadata {
	known := func(name string, values []string) string {
		if value := req.Header.Get(name); slices.Contains(values, value) {
			return value
		}
		return ""
	}
	return FetchMetadata{
		Site: known("Sec-Fetch-Site", fetchSites),
		Mode: known("Sec-Fetch-Mode", fetchModes),
		Dest: known("Sec-Fetch-Dest", fetchDests),
		User: req.Header.Get("Sec-Fetch-User") == "?1",
	}
}

var sameOrigin = http.NewCrossOriginProtection()

// CheckCrossOrigin returns an error that answers 403 where a browser makes the
// request for a page of another origin and its method is not a safe one: the
// defence of [http.CrossOriginProtection] against forged requests.
func (req *Request) CheckCrossOrigin() error {
	if err := sameOrigin.Check(req.Request); err != nil {
		return &httperror.Error{Code: httperror.Forbidden, Description: "The request comes from another site.", Err: err}
	}
	return nil
}
