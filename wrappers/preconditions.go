package wrappers

import (
	"net/http"
	"strings"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// Validators tell which version of a resource is the current one.
type Validators struct {
	// ETag is the entity tag as it is sent, `"v1"` or `W/"v1"`; "" is none.
	ETag string
	// LastModified is cut to the second; the zero time is unknown.
	LastModified time.Time
}

// CheckPreconditions evaluates the request's If-Match, If-Unmodified-Since,
// If-None-Match and If-Modified-Since against the current version of what it
// asks for, in the order of RFC 9110, section 13.2.2. current is nil where
// there is no such resource yet. Call it before a change is made, or before an
// answer is prepared that the client may have:
//
//	if err := wrappers.CheckPreconditions(req.Request, &current); err != nil {
//		return nil, err
//	}
//
// The error is a 412 (httperror.PreconditionFailed) where the request must not
// be performed, a [NotModified] where GET or HEAD ask for what the client has.
func CheckPreconditions(r *http.Request, current *Validators) error {
	if current == nil {
		if r.Header.Get("If-Match") != "" {
			return httperror.PreconditionFailed
		}
		return nil
	}
	v := *current
	h := r.Header
	if match := fieldOf(h, "If-Match"); match != "" {
		if !matchesTag(match, v.ETag, true) {
			return httperror.PreconditionFailed
		}
	} else if v.modifiedAfter(h.Get("If-Unmodified-Since")) {
		return httperror.PreconditionFailed
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if none := fieldOf(h, "If-None-Match"); none != "" {
		switch {
		case !matchesTag(none, v.ETag, false):
		case read:
			return &NotModified{v}
		default:
			return httperror.PreconditionFailed
		}
	} else if read && v.notModifiedSince(h.Get("If-Modified-Since")) {
		return &NotModified{v}
	}
	return nil
}

// NotModified is the answer that the client has the current version (304). It
// is an error so that a view can return it as one.
type NotModified struct{ Validators }

// Error says that the resource was not modified.
func (*NotModified) Error() string { return "304 Not Modified" }

// ServeHTTP sends the status with the validators.
func (n *NotModified) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	removeEntityHeaders(h)
	if n.ETag != "" {
		h.Set("ETag", n.ETag)
	} else if !n.LastModified.IsZero() {
		h.Set("Last-Modified", n.LastModified.UTC().Format(http.TimeFormat))
	}
	w.WriteHeader(http.StatusNotModified)
}

// modifiedAfter reports whether the resource changed after the date; false
// where either is unknown.
func (v *Validators) modifiedAfter(date string) bool {
	if date == "" || v.LastModified.IsZero() {
		return false
	}
	t, err := http.ParseTime(date)
	return err == nil && v.LastModified.Unix() > t.Unix()
}

// notModifiedSince reports whether the resource is known not to have changed
// after the date.
func (v *Validators) notModifiedSince(date string) bool {
	if date == "" || v.LastModified.IsZero() {
		return false
	}
	t, err := http.ParseTime(date)
	return err == nil && v.LastModified.Unix() <= t.Unix()
}

// allowsRange evaluates If-Range (RFC 9110, section 13.1.5): ranges are served
// only of the version that the client has the rest of. Entity tags compare
// strongly, dates exactly.
func (v *Validators) allowsRange(ifRange string) bool {
	if ifRange == "" {
		return true
	}
	if strings.HasPrefix(ifRange, `"`) {
		return ifRange == v.ETag
	}
	t, err := http.ParseTime(ifRange)
	return err == nil && !v.LastModified.IsZero() && t.Unix() == v.LastModified.Unix()
}

// fieldOf returns a list field: its lines joined.
func fieldOf(h http.Header, name string) string {
	switch lines := h[name]; len(lines) {
	case 0:
		return ""
	case 1:
		return lines[0]
	default:
		return strings.Join(lines, ", ")
	}
}

// matchesTag reports whether a list of entity tags has tag, or is "*". The
// strong comparison knows no weak tags (RFC 9110, section 8.8.3.2). A tag
// without its quotes counts as a strong one: some clients lose them.
func matchesTag(list, tag string, strong bool) bool {
	weak := strings.HasPrefix(tag, "W/")
	opaque := strings.TrimPrefix(tag, "W/")
	for {
		list = strings.TrimLeft(list, " \t,")
		if list == "" {
			return false
		}
		itemWeak := strings.HasPrefix(list, "W/") || strings.HasPrefix(list, "w/")
		if itemWeak {
			list = list[2:]
		}
		var item string
		if strings.HasPrefix(list, `"`) {
			end := strings.IndexByte(list[1:], '"')
			if end < 0 {
				return false
			}
			item, list = list[:end+2], list[end+2:]
		} else {
			item, list, _ = strings.Cut(list, ",")
			item = strings.TrimRight(item, " \t")
			if item == "*" && !itemWeak {
				return true
			}
			if len(opaque) < 2 || item != opaque[1:len(opaque)-1] {
				continue
			}
			item = opaque
		}
		if item == opaque && tag != "" && !(strong && (weak || itemWeak)) {
			return true
		}
	}
}
