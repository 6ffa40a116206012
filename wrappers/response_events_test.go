package wrappers_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

func TestEventsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name  string
		event wrappers.Event
		want  string
	}{
		{"data", wrappers.Event{Data: "hello"}, "data: hello\n\n"},
		{"no data", wrappers.Event{}, "data: \n\n"},
		{"lines", wrappers.Event{Data: "a\nb\r\nc\rd\n"}, "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"},
		{"all", wrappers.Event{ID: "7", Name: "tick", Data: " x", Retry: 1500 * time.Millisecond},
			"retry: 1500\nid: 7\nevent: tick\ndata:  x\n\n"},
		{"an ID alone", wrappers.Event{ID: "7"}, "id: 7\ndata: \n\n"},
		{"a retry alone", wrappers.Event{Retry: time.Second}, "retry: 1000\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			w := httptest.NewRecorder()
			wrappers.Events(r, func(events *wrappers.EventStream) error { return events.Send(c.event) }).ServeHTTP(w, r)
			require.Equal(t, c.want, w.Body.String())
			require.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))
			require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
		})
	}
	for name, event := range map[string]wrappers.Event{
		"a line break in the ID":        {ID: "a\nb"},
		"a NUL in the ID":               {ID: "\x00"},
		"a carriage return in the name": {Name: "a\rdata: b"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			w := httptest.NewRecorder()
			wrappers.Events(r, func(events *wrappers.EventStream) error {
				require.ErrorContains(t, events.Send(event), "event cannot be sent")
				return events.Send(wrappers.Event{Data: "still here"})
			}).ServeHTTP(w, r)
			require.Equal(t, "data: still here\n\n", w.Body.String())
		})
	}
}

func TestEventsReachTheClientAtOnceAndBeat(t *testing.T) {
	send := make(chan string)
	gone := make(chan error, 1)
	app := view(func(req *wrappers.Request) *wrappers.Response {
		return wrappers.Events(req.Request, func(events *wrappers.EventStream) error {
			events.SetHeartbeat(120 * time.Millisecond)
			for {
				select {
				case s := <-send:
					if err := events.Send(wrappers.Event{ID: events.LastEventID + "+", Data: s}); err != nil {
						return err
					}
				case <-events.Context().Done():
					gone <- context.Cause(events.Context())
					return nil
				}
			}
		})
	})
	// Time-outs for whole responses do not end a stream of events.
	limited := func(s *httptest.Server) {
		s.Config.WriteTimeout, s.Config.ReadTimeout = time.Second, time.Second
	}
	for _, http2 := range []bool{false, true} {
		s := start(t, app, http2, limited)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		require.NoError(t, err)
		req.Header.Set("Last-Event-ID", "41")
		res, err := s.Client().Do(req) // the header comes before any event
		require.NoError(t, err)
		lines := bufio.NewScanner(res.Body)
		beats := 0
		for lines.Scan() && beats < 10 {
			if strings.HasPrefix(lines.Text(), ":") {
				beats++
			}
		}
		send <- "hello"
		var got []string
		for lines.Scan() && len(got) < 2 {
			if text := lines.Text(); text != "" && text[0] != ':' {
				got = append(got, text)
			}
		}
		require.Equal(t, []string{"id: 41+", "data: hello"}, got)
		cancel()
		res.Body.Close()
		require.Error(t, <-gone)
	}
}

// FuzzEvents checks that the standard's parser reads the events that were sent.
func FuzzEvents(f *testing.F) {
	f.Add("1", "tick", "a\nb\r\nc\rd")
	f.Add("", "", "\n")
	f.Add("\x01", ":", ": \uFEFF")
	f.Fuzz(func(t *testing.T, id, name, data string) {
		r := httptest.NewRequest("GET", "/", nil)
		w := httptest.NewRecorder()
		var err error
		wrappers.Events(r, func(events *wrappers.EventStream) error {
			err = events.Send(wrappers.Event{ID: id, Name: name, Data: data})
			return nil
		}).ServeHTTP(w, r)
		if err != nil {
			require.Empty(t, w.Body.String())
			return
		}
		// The standard has three kinds of line ends, but only one of them is
		// sent.
		text, ended := strings.CutSuffix(w.Body.String(), "\n\n")
		require.True(t, ended)
		require.NotContains(t, text, "\r")
		var gotID, gotName string
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "id":
				gotID = value
			case "event":
				gotName = value
			case "data":
				lines = append(lines, value)
			default:
				t.Fatalf("line %q", line)
			}
		}
		require.Equal(t, []string{id, name}, []string{gotID, gotName})
		require.Equal(t, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data), strings.Join(lines, "\n"))
	})
}
