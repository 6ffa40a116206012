package serving

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/zeugkit/zeug/internal/linewriter"
)

// requestLines buffers the access log's lines on their way to standard error, if that is not a
// terminal. A terminal gets each line immediately.
var requestLines = linewriter.New(os.Stderr, droppedLine)

// completeAccessLog sets the default destination of the access log.
func (o *Options) completeAccessLog() {
	l := &o.AccessLog
	if l.Logger != nil {
		return
	}
	l.Logger = o.Logger
	if o.Logger == toPipe && l.Combined == nil && l.JSON == nil {
		l.JSON = requestLines
	}
}

// droppedLine is the record that reports dropped lines.
func droppedLine(lines int) []byte {
	record := struct {
		Time  time.Time  `json:"time"`
		Level slog.Level `json:"level"`
		Msg   string     `json:"msg"`
		Lines int        `json:"lines"`
	}{time.Now(), slog.LevelWarn, "standard error took no lines of the access log, which dropped some", lines}
	line, _ := json.Marshal(record) // with these types it cannot fail
	return append(line, '\n')
}

// lastLines is how long a server that is ending waits for the access log.
const lastLines = 5 * time.Second

// flushAccessLog writes the lines that are still waiting.
func flushAccessLog() {
	ctx, cancel := context.WithTimeout(context.Background(), lastLines)
	defer cancel()
	_ = requestLines.Flush(ctx) // whoever reads the warning reads the same output
}
