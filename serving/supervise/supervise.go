// Package supervise is what a supervisor (package reload, and the command zeug)
// and the application that it runs say to each other. An application does not
// use it: serving.Run does.
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
// Whatever other types a child sends are passed to those who asked the
// supervisor for them: the debugger's reports of panics, for example. When the
// connection ends, so does the child: its supervisor is gone.
//
// # The way of a request
//
// The supervisor passes each request to the child's socket by HTTP/1.1, with
// the header field [OriginHeader] in place of what the connection said; it
// removes such a field of a client's. Paths below [Prefix] never reach a child:
// the supervisor answers them itself, but for [DebuggerPath].
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
	// EnvTerminal is set when the child's standard error, a pipe, ends at a
	// terminal.
	EnvTerminal = "ZEUG_TERMINAL"
	// Prefix is the path below which a supervisor answers itself.
	Prefix = "/.zeug/"
	// OriginHeader holds the scheme and the client's address of a request that
	// a supervisor passes on: "https 192.0.2.1:4711".
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
)

// Failure is the data of a child's report of a request that failed, of which it
// has kept a core for the debugger's page. The supervisor makes one itself of a
// child that died.
type Failure struct {
	// Key names the failure in URLs: FramesPath, the key, a slash.
	Key string `json:"key"`
	// Core is the file; it is the supervisor's from now on.
	Core string `json:"core"`
	// Goroutine is the id of the one that failed.
	Goroutine int64 `json:"goroutine"`
	// Secret is what the page says with each question.
	Secret string `json:"secret"`
	// Frames are those of the page, by which its numbers are meant.
	Frames []Frame `json:"frames"`
}

// Frame is a function call in a [Failure].
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	// Goroutine is the id of the one whose frame it is; 0 is that of the
	// Failure.
	Goroutine int64 `json:"goroutine,omitempty"`
}

// Paths below [Prefix]: of the variables of frames, which a supervisor answers,
// and of the debugger's dashboard, which it passes on.
const (
	FramesPath   = "frames/"
	DebuggerPath = "debugger/"
)

// Hello is the data of a child's first message.
type Hello struct {
	// Run is the number that the supervisor gave the run; [Run].
	Run int `json:"run"`
	// Listen holds the addresses, in the forms of package listen.
	Listen     []string `json:"listen"`
	SocketMode uint32   `json:"socketMode,omitempty"`
	// Cert and Key are PEM; without them there is no TLS.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	H2C  bool   `json:"h2c,omitempty"`
	// Watch holds files, folders and patterns whose change restarts the
	// application, Assets folders whose change reloads the pages only, Exclude
	// patterns of what is left alone.
	Watch   []string `json:"watch,omitempty"`
	Assets  []string `json:"assets,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// Serve is the data of the supervisor's consent.
type Serve struct {
	// Socket is the path of the unix socket to listen at.
	Socket string `json:"socket"`
	// URLs are where the application is to be found, and Announce says that
	// nobody has told the user yet.
	URLs     []string `json:"urls"`
	Announce bool     `json:"announce"`
	// Frames says that the supervisor can read cores, and so is to be told of
	// failures.
	Frames bool `json:"frames,omitempty"`
	// Guarded says that the supervisor asks for the PIN before it passes on what
	// is below DebuggerPath.
	Guarded bool `json:"guarded,omitempty"`
	// Supervisor is the build of the supervisor, and Built when the program was
	// built.
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

// Folder returns the supervisor's folder, whose files last until the supervisor
// ends, and "" where there is no supervisor.
func Folder() string {
	if path := os.Getenv(Env); path != "" {
		return filepath.Dir(path)
	}
	return ""
}

// Run returns the number of this run of the application, 0 where there is no
// supervisor.
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
		return nil, fmt.Errorf("serving: the supervisor that %s names does not answer: start the program anew, or without that variable: %w", Env, err)
	}
	return NewConn(c), nil
}

// NewConn returns a side of a conversation over c.
func NewConn(c net.Conn) *Conn { return &Conn{c: c, in: bufio.NewReader(c)} }

// Send sends a message; data is encoded as JSON, nil is no data. It may be
// called from several goroutines.
func (c *Conn) Send(kind string, data any) error {
	m := Message{Type: kind}
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("supervise: send %s: %w", kind, err)
		}
		m.Data = b
	}
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("supervise: send %s: %w", kind, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.c.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("supervise: send %s: %w", kind, err)
	}
	return nil
}

// Receive waits for the next message. Its error is io.EOF when the other side
// is gone. It is for one goroutine.
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
