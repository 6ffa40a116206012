package middleware

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// jsonLines writes the records of an access log as [slog.JSONHandler] does, byte for
// byte, without making a record first.
type jsonLines struct {
	out   io.Writer
	level func(status int) slog.Level

	mu      sync.Mutex
	line    []byte
	clock   stampedSecond
	failing bool
}

// stampedSecond is the time of one second as text, which the lines of that second share.
type stampedSecond struct {
	second int64
	stamp  []byte // "2006-01-02T15:04:05"
	zone   []byte // "Z" or "+01:00"
}

// append appends t in the form of RFC 3339. Trailing zeros of the nanoseconds are left out.
func (c *stampedSecond) append(b []byte, t time.Time) []byte {
	if second := t.Unix(); second != c.second || c.stamp == nil {
		c.second = second
		c.stamp = t.AppendFormat(c.stamp[:0], "2006-01-02T15:04:05")
		c.zone = t.AppendFormat(c.zone[:0], "Z07:00")
	}
	b = append(b, c.stamp...)
	if n := t.Nanosecond(); n != 0 {
		digits := [10]byte{'.'}
		for i := 9; i > 0; i-- {
			digits[i] = byte('0' + n%10)
			n /= 10
		}
		end := len(digits)
		for digits[end-1] == '0' {
			end--
		}
		b = append(b, digits[:end]...)
	}
	return append(b, c.zone...)
}

func (j *jsonLines) log(a *access) {
	level, status := slog.LevelInfo, a.status()
	if j.level != nil {
		if level = j.level(status); level < slog.LevelInfo {
			return
		}
	}
	took := time.Since(a.start)
	j.mu.Lock()
	defer j.mu.Unlock()
	b := append(j.line[:0], `{"time":"`...)
	b = j.clock.append(b, a.start.Add(took))
	b = append(b, `","level":"`...)
	if level == slog.LevelInfo {
		b = append(b, "INFO"...)
	} else {
		b = append(b, level.String()...)
	}
	b = append(b, `","msg":"request","client":"`...)
	b = a.appendClient(b)
	b = append(b, '"')
	b = appendJSON(b, `,"method":`, a.r.Method)
	b = appendJSON(b, `,"host":`, a.r.Host)
	b = appendJSON(b, `,"uri":`, secret.URI(a.r.RequestURI))
	b = appendJSON(b, `,"proto":`, a.r.Proto)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(status), 10)
	b = strconv.AppendInt(append(b, `,"bytes":`...), a.bytes(), 10)
	b = strconv.AppendInt(append(b, `,"took":`...), int64(took), 10)
	b = appendOptional(b, `,"rule":`, a.route.Pattern)
	b = appendOptional(b, `,"request_id":`, a.id())
	b = appendOptional(b, `,"referer":`, secret.URI(a.r.Referer()))
	b = appendOptional(b, `,"user_agent":`, a.r.UserAgent())
	switch {
	case a.left():
		b = append(b, `,"client_left":true`...)
	case a.panicked:
		b = append(b, `,"panicked":true`...)
	}
	if a.rec.Hijacked {
		b = append(b, `,"hijacked":true`...)
	}
	j.line = append(b, "}\n"...)
	_, err := j.out.Write(j.line)
	if cap(j.line) > keptLine {
		j.line = nil
	}
	if err != nil && !j.failing {
		tellFailure(a.r.Context(), err)
	}
	j.failing = err != nil
}

// keptLine is how large a buffer is kept for the next line.
const keptLine = 16 << 10

func tellFailure(ctx context.Context, err error) {
	serverlog.From(ctx).ErrorContext(ctx, "access log cannot be written", "err", err)
}

// appendClient appends the client's address, without its port, for a JSON string.
func (a *access) appendClient(b []byte) []byte {
	client := gateway.OriginOf(a.r).Client
	if addr := client.Addr(); client.IsValid() && addr.Zone() == "" {
		return addr.AppendTo(b)
	}
	return appendJSONText(b, a.client())
}

func appendOptional(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendJSON(b, name, text)
}

func appendJSON(b []byte, name, text string) []byte {
	b = append(append(b, name...), '"')
	return append(appendJSONText(b, text), '"')
}

// appendJSONText appends s as it is written between the quotes of a JSON string. Bytes that are not
// UTF-8 become the replacement character. The line separators that JavaScript does not allow in a
// string are escaped.
func appendJSONText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
			if !(c == utf8.RuneError && size == 1 || c == '\u2028' || c == '\u2029') {
				i += size
				continue
			}
		} else if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		i += size
		done = i
		switch c {
		case '"', '\\':
			b = append(b, '\\', byte(c))
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case utf8.RuneError:
			b = append(b, `\ufffd`...)
		default:
			b = append(b, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
		}
	}
	return append(b, s[done:]...)
}
