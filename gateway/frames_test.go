//go:build unix

package gateway_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/internal/echo/app"
)

// FuzzProtocolsAgree sends a request by each protocol, cut into pieces at some
// places, and has the application say what it was asked.
func FuzzProtocolsAgree(f *testing.F) {
	f.Add("GET", "/app", "/a%2Fb", "q=1", "example.org", "text/plain", "", uint(1))
	f.Add("POST", "", "/", "", "[::1]:80", "", strings.Repeat("body", 5000), uint(7))
	f.Add("PUT", "/a b", "/ä", "?", "", "x\r\ny: z", "body", uint(3))
	f.Add("POST", "/x/", "//y/../z", "%zz", "_", "\x00", "b", uint(1000))
	f.Add("BAD METHOD", "", "/", "", "h", "", "", uint(2))
	dial := map[string]func(testing.TB) net.Conn{}
	for name, p := range protocols() {
		dial[name] = p.listening(f, "unix", app.New().ServeHTTP)
	}
	f.Fuzz(func(t *testing.T, method, script, uri, query, host, field, body string, cut uint) {
		if len(script)+len(uri)+len(query)+len(host)+len(field) > 20000 || len(body) > 100_000 ||
			strings.Contains(method+script+uri+query+host+field, "\x00") || strings.Contains(uri, "/cut") || strings.Contains(uri, "/big") {
			t.Skip() // which SCGI cannot say, or what is not to be compared
		}
		answers := map[string]string{}
		for name, p := range protocols() {
			conn := dial[name](t)
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			vars := [][2]string{
				{"CONTENT_LENGTH", strconv.Itoa(len(body))}, {"SCGI", "1"}, {"REQUEST_METHOD", method}, {"SERVER_PROTOCOL", "HTTP/1.1"},
				{"SCRIPT_NAME", script}, {"REQUEST_URI", uri}, {"QUERY_STRING", query}, {"HTTP_HOST", host}, {"HTTP_X_FIELD", field},
			}
			raw := p.head(vars) + p.body(body) + p.end
			// A cut is a piece of its own on the connection.
			step := max(int(cut%uint(len(raw)+1)), len(raw)/50, 1)
			for len(raw) > 0 {
				n := min(step, len(raw))
				if _, err := io.WriteString(conn, raw[:n]); err != nil {
					break // it was refused
				}
				raw = raw[n:]
			}
			began := time.Now()
			answers[name] = p.answer(t, conn)
			require.Less(t, time.Since(began), 10*time.Second, "%s ends", name)
			_ = conn.Close()
		}
		require.Equal(t, answers["SCGI"], answers["uwsgi"])
		require.Equal(t, answers["SCGI"], answers["FastCGI"])
	})
}

// answer reads an answer: its status, and what the application was asked.
func (p protocol) answer(t testing.TB, conn io.Reader) string {
	t.Helper()
	in := bufio.NewReader(conn)
	var text []byte
	if p.end == "" {
		text, _ = io.ReadAll(in)
	} else {
		for {
			head := make([]byte, 8)
			if _, err := io.ReadFull(in, head); err != nil {
				break
			}
			content := make([]byte, int(head[4])<<8+int(head[5])+int(head[6]))
			_, err := io.ReadFull(in, content)
			require.NoError(t, err)
			if head[1] == 3 {
				break
			}
			text = append(text, content[:len(content)-int(head[6])]...)
		}
	}
	header, body, _ := strings.Cut(string(text), "\r\n\r\n")
	_, status, _ := strings.Cut(header, " ")
	status, _, _ = strings.Cut(status, "\r\n")
	var asked app.Asked
	if json.Unmarshal([]byte(body), &asked) != nil {
		return status + "\n" + body
	}
	delete(asked.Header, http.CanonicalHeaderKey("Content-Length"))
	again, err := json.Marshal(asked)
	require.NoError(t, err)
	return status + "\n" + string(again)
}
