// Package supervise defines the messages between a supervisor (package reload, and the command
// zeug) and the application that it runs. An application does not use it: serving.Run does.
//
// # The child's side
//
// The supervisor makes a folder that only its user may enter, and starts the
// application with the variable ZEUG_SUPERVISOR, the path of a unix socket in
// it. The child connects ([Connect]) and from then on either side sends
// messages: a JSON object {"type": …, "data": …} and a newline. The child
// begins with
//
//	hello   the addresses it wants to be served at, its certificate, and what
//	        is to be watched beside its source ([Hello])
//
// and the supervisor, which owns the public sockets, answers with
//
//	serve   the unix socket the child is to listen at ([Serve]), or
//	refuse  a line that says why the addresses cannot be had ([Refuse])
//
// The child listens and says
//
//	ready   it can be sent requests
//
// Later the supervisor says
//
//	finish  another process serves now: end event streams and websockets, and
//	        go on with requests that run
//	drain   no request runs any more: exit
//
// Other types of messages from a child go to the code that registered for them with the supervisor,
// for example the debugger's reports of panics. When the connection ends, the child ends too: its
// supervisor is gone.
//
// # How a request is passed on
//
// The supervisor passes each request to the child's socket over HTTP/1.1. The header field
// [OriginHeader] has the facts about the connection; if a client sends such a field, the supervisor
// removes it. Paths below [Prefix] never reach a child: the supervisor answers all of them except
// [DebuggerPath].
package supervise

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	// Env is the variable that holds the path of the supervisor's socket.
	Env = "ZEUG_SUPERVISOR"
	// EnvRun is the variable that numbers the runs of an application from 1.
	EnvRun = "ZEUG_RUN"
	// EnvTerminal is set if the child's standard error is a pipe whose output
	// reaches a terminal.
	EnvTerminal = "ZEUG_TERMINAL"
	// Prefix is the path below which a supervisor answers itself.
	Prefix = "/.zeug/"
	// OriginHeader holds the scheme and the client's address of a request that a supervisor passes
	// on, and the facts about the other end of the connection, as package internal/peer writes
	// them: "https 192.0.2.1:4711 …".
	OriginHeader = "Zeug-Origin"
)

// A Message is one line of the conversation.
type Message struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data,omitempty"`
}

// Types of messages.
const (
	TypeHello   = "hello"
	TypeServe   = "serve"
	TypeRefuse  = "refuse"
	TypeReady   = "ready"
	TypeFinish  = "finish"
	TypeDrain   = "drain"
	TypeFailure = "failure"
	TypeFacts   = "facts"
	TypeProfile = "profile"
)

// ProfileLabel is the label of the samples of a request in its CPU profile. Its value is the number
// of the request.
const ProfileLabel = "zeug.exchange"

// TraceRegion is the name of the region of a request in its execution trace. It is on the goroutine
// that serves the request.
func TraceRegion(exchange int) string { return "zeug request " + strconv.Itoa(exchange) }

// Profile is the data of a child's profile of a request. A part that is not available is empty.
type Profile struct {
	// Exchange is the number of the request in the supervisor's list.
	Exchange int `json:"exchange"`
	// CPU is a CPU profile of the process, whose samples of the request have the label.
	CPU []byte `json:"cpu,omitempty"`
	// Allocs and AllocsBefore are profiles of what the process has allocated, after the request and
	// before it.
	Allocs       []byte `json:"allocs,omitempty"`
	AllocsBefore []byte `json:"allocsBefore,omitempty"`
	// Trace is an execution trace of the process.
	Trace []byte `json:"trace,omitempty"`
	// Notes say what is missing, and why.
	Notes []string `json:"notes,omitempty"`
}

// Facts is the data of a child's report on a request whose handler has returned.
type Facts struct {
	// Exchange is the number of the request in the supervisor's list.
	Exchange int `json:"exchange"`
	// Rule and Endpoint are those of the rule that matched, "" if none did.
	Rule     string  `json:"rule,omitempty"`
	Endpoint string  `json:"endpoint,omitempty"`
	Params   []Param `json:"params,omitempty"`
	// Failure is the path of the page of the request's failure, "" if there was none. Failed says what
	// failed.
	Failure string `json:"failure,omitempty"`
	Failed  string `json:"failed,omitempty"`
	// Logs are the log records made meanwhile, and LogsMissed is how many more there were.
	Logs       []LogRecord `json:"logs,omitempty"`
	LogsMissed int         `json:"logsMissed,omitempty"`
	// Took is the time until the handler returned. Spans are its parts, in the order of their
	// beginnings, and SpansMissed is the number of those that were left out.
	Took        time.Duration `json:"took,omitempty"`
	Spans       []Span        `json:"spans,omitempty"`
	SpansMissed int           `json:"spansMissed,omitempty"`
}

// Span is a part of the time of a request.
type Span struct {
	// Kind is a word such as "view" or "sql", and Name describes the work.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// At is the time since the program got the request.
	At   time.Duration `json:"at"`
	Took time.Duration `json:"took"`
}

// Param is the value of a rule's variable, as text.
type Param struct{ Name, Value string }

// LogRecord is a log record of a request.
type LogRecord struct {
	// At is the time since the program got the request.
	At      time.Duration `json:"at"`
	Level   string        `json:"level"`
	Message string        `json:"message"`
	Attrs   []Attr        `json:"attrs,omitempty"`
	// Source is the file and line of the call, "app/main.go:12", "" if it is not known.
	Source string `json:"source,omitempty"`
}

// Attr is an attribute of a log record, as text.
type Attr struct{ Name, Value string }

// Failure is the data of a child's report on a failed request, for which it has
// kept a core for the debugger's page. If a child died, the supervisor makes
// one itself.
type Failure struct {
	// Key names the failure in URLs: FramesPath, the key, a slash.
	Key string `json:"key"`
	// Core is the core file; from now on it belongs to the supervisor.
	Core string `json:"core"`
	// Goroutine is the id of the goroutine that failed.
	Goroutine int64 `json:"goroutine"`
	// Secret is the value that the page sends with each question.
	Secret string `json:"secret"`
	// Frames are the frames of the page, with its numbers.
	Frames []Frame `json:"frames"`
}

// Frame is a function call in a [Failure].
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	// Goroutine is the id of the goroutine that has the frame; 0 means the goroutine of the
	// Failure.
	Goroutine int64 `json:"goroutine,omitempty"`
}

// Paths below [Prefix]: for the variables of frames, which a supervisor
// answers, and for the debugger's dashboard, which it passes on.
const (
	FramesPath   = "frames/"
	RequestsPath = "requests/"
	DebuggerPath = "debugger/"
)

// Hello is the data of a child's first message.
type Hello struct {
	// Run is the number that the supervisor gave the run; see [Run].
	Run int `json:"run"`
	// Listen holds the addresses, in the forms of package listen.
	Listen     []string `json:"listen"`
	SocketMode uint32   `json:"socketMode,omitempty"`
	// Cert and Key are PEM; without them there is no TLS.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	H2C  bool   `json:"h2c,omitempty"`
	// Watch holds files, folders and patterns whose change restarts the application. Assets holds
	// folders whose change only reloads the pages. Exclude holds patterns of files to ignore.
	Watch   []string `json:"watch,omitempty"`
	Assets  []string `json:"assets,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// Serve is the data of the supervisor's permission to serve.
type Serve struct {
	// Socket is the path of the unix socket on which to listen.
	Socket string `json:"socket"`
	// URLs are the addresses of the application, and Announce says that the user has not been told
	// yet.
	URLs     []string `json:"urls"`
	Announce bool     `json:"announce"`
	// Frames says that the supervisor can read cores, so it wants reports of failures.
	Frames bool `json:"frames,omitempty"`
	// Supervisor identifies the build of the supervisor, and Built is when the
	// program was built.
	Supervisor string    `json:"supervisor,omitempty"`
	Built      time.Time `json:"built,omitzero"`
}

// Refuse is the data of the supervisor's refusal.
type Refuse struct {
	Error string `json:"error"`
}

// A Conn is one side of the conversation.
type Conn struct {
	c    net.Conn
	in   *bufio.Reader
	mu   sync.Mutex
	once sync.Once
}

// Folder returns the supervisor's folder, or "" without a supervisor. Its files last until the
// supervisor ends.
func Folder() string {
	if path := os.Getenv(Env); path != "" {
		return filepath.Dir(path)
	}
	return ""
}

// Run returns the number of this run of the application, 0 without a supervisor.
func Run() int {
	n, err := strconv.Atoi(os.Getenv(EnvRun))
	if err != nil || os.Getenv(Env) == "" {
		return 0
	}
	return n
}

// Connect returns a connection to the supervisor of this process, and nil when
// it has none.
func Connect() (*Conn, error) {
	path := os.Getenv(Env)
	if path == "" {
		return nil, nil
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("serving: the supervisor that %s names does not answer: start the program again, or unset that variable: %w", Env, err)
	}
	return NewConn(c), nil
}

// NewConn returns a side of a conversation over c.
func NewConn(c net.Conn) *Conn { return &Conn{c: c, in: bufio.NewReader(c)} }

// Send sends a message. data is encoded as JSON; nil means no data. It may be called from several
// goroutines.
func (c *Conn) Send(kind string, data any) error {
	line := []byte(`{"type":` + strconv.Quote(kind))
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("supervise: send %s: %w", kind, err)
		}
		line = append(append(line, `,"data":`...), b...) // encoding a Message would check the data once more
	}
	line = append(line, '}', '\n')
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.c.Write(line); err != nil {
		return fmt.Errorf("supervise: send %s: %w", kind, err)
	}
	return nil
}

// Receive waits for the next message. Its error is io.EOF if the other side is
// gone. Only one goroutine may call it.
func (c *Conn) Receive() (Message, error) {
	var m Message
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		if errors.Is(err, net.ErrClosed) || len(line) == 0 {
			err = io.EOF
		}
		return m, err
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, fmt.Errorf("supervise: receive: %w", err)
	}
	return m, nil
}

// Into decodes the data of a message.
func (m Message) Into(data any) error {
	if err := json.Unmarshal(m.Data, data); err != nil {
		return fmt.Errorf("supervise: %s: %w", m.Type, err)
	}
	return nil
}

// Close ends the conversation.
func (c *Conn) Close() (err error) {
	c.once.Do(func() { err = c.c.Close() })
	return err
}

// OnTerminal reports whether standard error is a terminal, or a supervisor's pipe
// to one.
func OnTerminal() bool {
	if os.Getenv(EnvTerminal) != "" {
		return true
	}
	info, err := os.Stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
