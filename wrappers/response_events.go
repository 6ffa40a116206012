package wrappers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// heartbeat is how long a stream of events is silent before a comment is sent,
// so that proxies do not end the stream.
const heartbeat = 15 * time.Second

// eventDeadline is how long a slow client may take to receive one event.
const eventDeadline = 30 * time.Second

// errInvalidEvent is the error for an event that cannot be sent.
var errInvalidEvent = errors.New("event cannot be sent")

// Event is a message of a stream of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type Event struct {
	// ID is the value that a client sends as Last-Event-ID when it reconnects. It must not have a
	// line break or NUL.
	ID string
	// Name is the event's type; "" is "message". It must not have a line break.
	Name string
	// Data is the message; it may have several lines. All kinds of line breaks
	// reach the client as "\n".
	Data string
	// Retry, if above 0, is how long a client waits before it reconnects, in
	// whole milliseconds.
	Retry time.Duration
}

// appendTo appends the event in the form in which it is sent. An event without
// a data line would not reach the client's code, so there is always one, unless
// the event sets only Retry.
func (e Event) appendTo(b []byte) ([]byte, error) {
	if strings.ContainsAny(e.ID, "\r\n\x00") {
		return b, fmt.Errorf("%w: its ID %q has a line break or NUL", errInvalidEvent, e.ID)
	}
	if strings.ContainsAny(e.Name, "\r\n") {
		return b, fmt.Errorf("%w: its name %q has a line break", errInvalidEvent, e.Name)
	}
	if e.Retry > 0 {
		b = append(b, "retry: "...)
		b = strconv.AppendInt(b, e.Retry.Milliseconds(), 10)
		b = append(b, '\n')
	}
	if e.ID != "" {
		b = append(append(append(b, "id: "...), e.ID...), '\n')
	}
	if e.Name != "" {
		b = append(append(append(b, "event: "...), e.Name...), '\n')
	}
	if e.Data != "" || e.ID != "" || e.Name != "" || e.Retry <= 0 {
		b = appendLines(b, "data: ", e.Data)
	}
	return append(b, '\n'), nil
}

// appendLines appends each line of s with a prefix.
func appendLines(b []byte, prefix, s string) []byte {
	for {
		i := strings.IndexAny(s, "\r\n")
		if i < 0 {
			return append(append(append(b, prefix...), s...), '\n')
		}
		b = append(append(append(b, prefix...), s[:i]...), '\n')
		if s[i] == '\r' && strings.HasPrefix(s[i+1:], "\n") {
			i++
		}
		s = s[i+1:]
	}
}

// Events returns a Response that is a stream of server-sent events. The
// function sends the events, and the stream lasts as long as the function runs.
// It should return when the stream's context ends: the client has gone, or the
// server shuts down. When it returns, the stream ends and browsers reconnect; a
// plain 204 tells them not to.
//
//	return wrappers.Events(req.Request, func(events *wrappers.EventStream) error {
//		for message := range since(events.Context(), events.LastEventID) {
//			if err := events.Send(wrappers.Event{ID: message.ID, Data: message.Text}); err != nil {
//				return err
//			}
//		}
//		return nil
//	}), nil
//
// Each event is flushed. The server's read and write time-outs, which are for a
// whole response, do not apply: each event may take 30 seconds.
func Events(r *http.Request, send func(events *EventStream) error) *Response {
	resp := Stream("", func(w *StreamWriter) error {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		events := &EventStream{
			LastEventID: r.Header.Get("Last-Event-ID"),
			ctx:         ctx, cancel: cancel, w: w, controller: w.Controller(),
			beat: time.NewTimer(heartbeat), interval: heartbeat,
		}
		defer events.beat.Stop()
		if events.controller != nil {
			events.controller.SetReadDeadline(time.Time{})
		}
		if err := events.write(nil); err != nil { // the header alone: the stream is open
			return err
		}
		var beating sync.WaitGroup
		beating.Go(events.keepAlive)
		defer beating.Wait()
		defer cancel(nil) // before the wait
		return send(events)
	})
	h := resp.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-cache"}
	h["X-Accel-Buffering"] = []string{"no"} // otherwise nginx would hold the events back
	return resp
}

// EventStream is where events are sent. Several goroutines may use it as long
// as the function runs that received it.
type EventStream struct {
	// LastEventID is the ID of the last event that the client got before it
	// lost the connection, "" on the first connection.
	LastEventID string

	ctx        context.Context
	cancel     context.CancelCauseFunc
	beat       *time.Timer
	controller *http.ResponseController // nil without a connection

	mu       sync.Mutex // of what follows
	w        *StreamWriter
	interval time.Duration // between heartbeats; 0 if there are none
}

// Context ends when the client has gone or the server shuts the request down.
func (events *EventStream) Context() context.Context { return events.ctx }

// SetHeartbeat changes how long the stream may be silent before it sends a comment; the default is
// 15 seconds, and 0 switches the comments off.
func (events *EventStream) SetHeartbeat(d time.Duration) {
	events.mu.Lock()
	defer events.mu.Unlock()
	events.interval = max(d, 0)
	events.rest()
}

// rest restarts the time of silence.
func (events *EventStream) rest() {
	if events.interval > 0 {
		events.beat.Reset(events.interval)
	} else {
		events.beat.Stop()
	}
}

// Send sends an event. The error says that the event is not valid, or that the
// client has gone.
func (events *EventStream) Send(e Event) error {
	b, err := e.appendTo(nil)
	if err != nil {
		return err
	}
	return events.write(b)
}

func (events *EventStream) write(b []byte) error {
	events.mu.Lock()
	defer events.mu.Unlock()
	if err := context.Cause(events.ctx); err != nil {
		return err
	}
	if events.controller != nil {
		// A connection without deadlines needs no extension.
		events.controller.SetWriteDeadline(time.Now().Add(eventDeadline))
	}
	_, err := events.w.Write(b)
	if err == nil {
		err = events.w.Flush()
	}
	if err != nil {
		events.cancel(err)
	}
	events.rest()
	return err
}

func (events *EventStream) keepAlive() {
	for {
		select {
		case <-events.beat.C:
			if events.write([]byte(":\n\n")) != nil {
				return
			}
		case <-events.ctx.Done():
			return
		}
	}
}
