package sessions

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/security"
)

// python is a process that runs Flask: it answers each line of JSON with a line.
type python struct {
	in  *json.Encoder
	out *bufio.Scanner
}

const script = `
import datetime, json, sys, uuid
import flask, itsdangerous
from markupsafe import Markup
app = flask.Flask("app")
for line in sys.stdin:
    q = json.loads(line)
    app.config.update(SECRET_KEY=q["secret"], SECRET_KEY_FALLBACKS=q.get("fallbacks") or None)
    with app.app_context():
        s = app.session_interface.get_signing_serializer(app)
        if q["op"] == "sign":
            class Signer(itsdangerous.TimestampSigner):
                def get_timestamp(self): return q["at"]
            s.signer = Signer
            a = s.dumps(eval(q["value"]))
        elif q["op"] == "read":
            a = s.loads(q["value"], max_age=q.get("age")) == eval(q["want"])
        elif q["op"] == "repr":
            a = repr(s.loads(q["value"]))
        else:
            a = itsdangerous.URLSafeTimedSerializer(q["secret"], salt=q["salt"],
                signer_kwargs={"key_derivation": q["derivation"]}).dumps(q["value"])
    print(json.dumps(a), flush=True)
`

// interpreter is a Python that has Flask. The system's is asked first, because it starts faster than those of version
// managers.
var interpreter = sync.OnceValue(func() string {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import flask").Run() == nil {
			return name
		}
	}
	return ""
})

// flask starts a Python that has Flask.
func flask(t testing.TB) *python {
	if name := interpreter(); name != "" {
		c := exec.Command(name, "-c", script)
		c.Stderr = os.Stderr
		in, err := c.StdinPipe()
		require.NoError(t, err)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		t.Cleanup(func() {
			in.Close()
			c.Wait()
		})
		p := &python{json.NewEncoder(in), bufio.NewScanner(out)}
		p.out.Buffer(nil, 1<<20)
		return p
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no Python here has Flask: install python3-flask")
	}
	t.Skip("no Python here has Flask")
	return nil
}

func (p *python) ask(t testing.TB, question map[string]any) (answer any) {
	require.NoError(t, p.in.Encode(question))
	require.True(t, p.out.Scan(), "Python has ended")
	require.NoError(t, json.Unmarshal(p.out.Bytes(), &answer))
	return answer
}

// sessions in both languages.
var flaskSessions = map[string]struct {
	python string
	value  map[string]any
}{
	"texts":     {`{"user": "ümlaut \"q\" \\ / <&> \x00\x1f\x7f\u2028 😀 \n\r\t\b\f"}`, map[string]any{"user": "ümlaut \"q\" \\ / <&> \x00\x1f\x7f\u2028 😀 \n\r\t\b\f"}},
	"sorting":   {`{"b": 1, "a": 2, "ä": 3, "B": 4, "😀": 5, "\uffff": 6, "": 7}`, map[string]any{"b": int64(1), "a": int64(2), "ä": int64(3), "B": int64(4), "😀": int64(5), "\uffff": int64(6), "": int64(7)}},
	"constants": {`{"t": True, "f": False, "n": None}`, map[string]any{"t": true, "f": false, "n": nil}},
	"integers":  {`{"a": 0, "b": -1, "c": 2**63-1, "d": -2**63, "e": 2**63, "f": -10**30}`, map[string]any{"a": int64(0), "b": int64(-1), "c": int64(math.MaxInt64), "d": int64(math.MinInt64), "e": json.Number("9223372036854775808"), "f": json.Number("-1" + strings.Repeat("0", 30))}},
	"floats":    {`{"l": [0.0, -0.0, 1.0, 0.1, 1e15, 1e16, 123456789012345680.0, 1e-4, 1e-5, 1e22, 1e100, 5e-324, 1.5e300, -2.5]}`, map[string]any{"l": []any{0.0, math.Copysign(0, -1), 1.0, 0.1, 1e15, 1e16, 123456789012345680.0, 1e-4, 1e-5, 1e22, 1e100, 5e-324, 1.5e300, -2.5}}},
	"tuples":    {`{"t": (1, ("a", []), ()), "l": [(1,)]}`, map[string]any{"t": Tuple{int64(1), Tuple{"a", []any{}}, Tuple{}}, "l": []any{Tuple{int64(1)}}}},
	"bytes":     {`{"b": b"\x00\xff bytes", "e": b""}`, map[string]any{"b": []byte("\x00\xff bytes"), "e": []byte{}}},
	"markup":    {`{"m": Markup("<b>ü</b>")}`, map[string]any{"m": Markup("<b>ü</b>")}},
	"uuids":     {`{"u": uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")}`, map[string]any{"u": [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}}},
	"times":     {`{"d": datetime.datetime(2026, 11, 24, 13, 5, 9, tzinfo=datetime.timezone.utc)}`, map[string]any{"d": time.Date(2026, 11, 24, 13, 5, 9, 0, time.UTC)}},
	"dicts":     {`{"d": {}, "e": {"x": {"y": {}}}}`, map[string]any{"d": map[string]any{}, "e": map[string]any{"x": map[string]any{"y": map[string]any{}}}}},
	"keys that are tags": {`{"a": {" t": 1}, "b": {" di": {" d": (1,)}}, "c": {" x": 1}, "d": {" t": 1, " b": 2}}`, map[string]any{
		"a": map[string]any{" t": int64(1)}, "b": map[string]any{" di": map[string]any{" d": Tuple{int64(1)}}},
		"c": map[string]any{" x": int64(1)}, "d": map[string]any{" t": int64(1), " b": int64(2)},
	}},
	"a tag at the top":          {`{" m": "x"}`, map[string]any{" m": "x"}},
	"what is not JSON":          {`{"l": [float("inf"), float("-inf"), 1e308]}`, map[string]any{"l": []any{math.Inf(1), math.Inf(-1), 1e308}}},
	"halves of surrogate pairs": {`{"s": "a\ud83d\u0041\ude00b", "\ud800": 1, "\udfff\ud800": "\ufffd"}`, map[string]any{"s": "a\xed\xa0\xbdA\xed\xb8\x80b", "\xed\xa0\x80": int64(1), "\xed\xbf\xbf\xed\xa0\x80": "\ufffd"}},
	"permanent":                 {`{"_permanent": True, "user_id": 7}`, map[string]any{permanent: true, "user_id": int64(7)}},
	"a large one":               {`{"l": list(range(300))}`, map[string]any{"l": numbers(300)}},
}

func numbers(n int) (list []any) {
	for i := range n {
		list = append(list, int64(i))
	}
	return list
}

// Sessions that Flask writes can be read here, and the other way round. Without compression both
// write the same values as the same bytes.
func TestFlaskAgrees(t *testing.T) {
	p := flask(t)
	f := Flask{Secret: "ein gehéimnis"}
	now := time.Now()
	for name, c := range flaskSessions {
		t.Run(name, func(t *testing.T) {
			theirs := p.ask(t, map[string]any{"op": "sign", "secret": f.Secret, "at": now.Unix(), "value": c.python}).(string)
			got, err := f.Open(theirs)
			require.NoError(t, err)
			require.Equal(t, c.value, got)
			cookie, err := f.save(c.value, now)
			require.NoError(t, err)
			if !strings.HasPrefix(theirs, ".") && !strings.HasPrefix(cookie.Value, ".") {
				require.Equal(t, theirs, cookie.Value)
			} else {
				require.Equal(t, payload(t, theirs), payload(t, cookie.Value))
			}
			require.Equal(t, true, p.ask(t, map[string]any{
				"op": "read", "secret": f.Secret, "value": cookie.Value, "want": c.python, "age": 60,
			}))
		})
	}
}

// payload is the JSON that a cookie carries.
func payload(t *testing.T, value string) string {
	text := value[:strings.LastIndexByte(value, '.')]
	data, err := decodePayload(text[:strings.LastIndexByte(text, '.')])
	require.NoError(t, err)
	return string(data)
}

// Values that are not JSON, or that are not valid Unicode, survive a request in Go that changes
// another value.
func TestWhatOnlyPythonCanWriteIsKept(t *testing.T) {
	p := flask(t)
	f := &Flask{Secret: "of both"}
	theirs := p.ask(t, map[string]any{
		"op": "sign", "secret": f.Secret, "at": time.Now().Unix(),
		"value": `{"rate": float("nan"), "most": float("inf"), "least": -float("inf"), "half": "\ud83d", "_flashes": [("info", Markup("<b>")), ("info", {"a": 1})]}`,
	}).(string)
	cookies, w := visit(t, Manager{Flask: f}, "session="+theirs, func(s *Session) {
		var rate float64
		require.True(t, s.Get("rate", &rate))
		require.True(t, math.IsNaN(rate))
		s.Set("user", 7)
		s.Flash("from Go", "info")
	})
	require.Equal(t, 200, w.Code)
	require.Equal(t, "{'_flashes': [('info', Markup('<b>')), ('info', {'a': 1}), ('info', 'from Go')], 'half': '\\ud83d', 'least': -inf, 'most': inf, 'rate': nan, 'user': 7}",
		p.ask(t, map[string]any{"op": "repr", "secret": f.Secret, "value": strings.TrimPrefix(cookies, "session=")}))
}

// A session with a valid signature that cannot be read is not overwritten.
func TestASessionThatCannotBeReadStays(t *testing.T) {
	logged := capture(t)
	f := &Flask{Secret: "of both"}
	signer := f.signer()
	value, err := signer.Sign(encodePayload([]byte(`{"a":{" u":"no UUID"}}`)), time.Now())
	require.NoError(t, err)
	for _, optional := range []bool{false, true} {
		cookies, w := visit(t, Manager{Flask: f, Optional: optional}, "session="+value, func(s *Session) { s.Set("user", 7) })
		require.Equal(t, 500, w.Code)
		require.Equal(t, "session="+value, cookies)
		require.Contains(t, logged.String(), `tag \" u\"`)
	}
	cookies, w := visit(t, Manager{Flask: f}, "session="+value, func(s *Session) { s.Clear() })
	require.Equal(t, 200, w.Code, "a logout works")
	require.Empty(t, cookies)
}

func TestFlaskSessionsSlideIfTheyArePermanent(t *testing.T) {
	f := &Flask{Secret: "of both", Lifetime: 10 * time.Hour}
	for name, c := range map[string]struct {
		session map[string]any
		age     time.Duration
		sent    bool
	}{
		"permanent, and old":   {map[string]any{"a": 1, permanent: true}, 2 * time.Hour, true},
		"permanent, and fresh": {map[string]any{"a": 1, permanent: true}, time.Minute, false},
		"not permanent":        {map[string]any{"a": 1}, 2 * time.Hour, false},
		"expired":              {map[string]any{"a": 1, permanent: true}, 11 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			cookie, err := f.save(c.session, time.Now().Add(-c.age))
			require.NoError(t, err)
			_, w := visit(t, Manager{Flask: f}, "session="+cookie.Value, func(s *Session) { require.Equal(t, name != "expired", s.Has("a")) })
			require.Equal(t, c.sent, w.Header().Get("Set-Cookie") != "")
		})
	}
	forever := &Flask{Secret: "of both", Lifetime: -1}
	cookie, err := forever.save(map[string]any{"a": 1}, time.Now().Add(-10_000*time.Hour))
	require.NoError(t, err)
	visit(t, Manager{Flask: forever}, "session="+cookie.Value, func(s *Session) { require.True(t, s.Has("a")) })
}

func TestFlaskFallbacks(t *testing.T) {
	p := flask(t)
	old := p.ask(t, map[string]any{"op": "sign", "secret": "old", "at": time.Now().Unix(), "value": `{"a": 1}`}).(string)
	f := Flask{Secret: "new"}
	_, err := f.Open(old)
	require.ErrorIs(t, err, security.ErrForged)
	f.Fallbacks = []string{"older", "old"}
	got, err := f.Open(old)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": int64(1)}, got)
	c, err := f.Save(got)
	require.NoError(t, err)
	require.Equal(t, true, p.ask(t, map[string]any{"op": "read", "secret": "new", "value": c.Value, "want": `{"a": 1}`}), "the new one signs")
}

// The signer also works for itsdangerous' other uses: tokens in links.
func TestSignerAgreesWithItsdangerous(t *testing.T) {
	p := flask(t)
	for _, name := range []string{"django-concat", "concat", "hmac", "none"} {
		t.Run(name, func(t *testing.T) {
			token := p.ask(t, map[string]any{"op": "token", "secret": "s", "salt": "reset", "derivation": name, "value": "a@b.org"}).(string)
			s := security.Signer{Keys: [][]byte{[]byte("s")}, Salt: "reset", Derivation: name}
			text, at, err := s.Unsign(token, time.Minute)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, 10*time.Second)
			data, err := decodePayload(text)
			require.NoError(t, err)
			require.Equal(t, `"a@b.org"`, string(data))
			again, err := s.Sign(text, at)
			require.NoError(t, err)
			require.Equal(t, token, again)
		})
	}
}

func TestFlaskSessionsAreRefused(t *testing.T) {
	f := Flask{Secret: "s"}
	now := time.Now()
	sign := func(payload string, at time.Time) string {
		s := f.signer()
		text, err := s.Sign(encodePayload([]byte(payload)), at)
		require.NoError(t, err)
		return text
	}
	good := sign(`{"a":1}`, now)
	for name, c := range map[string]struct {
		value string
		is    error
		says  string
	}{
		"empty":                         {"", security.ErrForged, ""},
		"without signature":             {"eyJhIjoxfQ.abc", security.ErrForged, ""},
		"another signature":             {good[:len(good)-4] + "AAAA", security.ErrForged, ""},
		"a changed payload":             {"f" + good[1:], security.ErrForged, ""},
		"expired":                       {sign(`{"a":1}`, now.Add(-32*24*time.Hour)), security.ErrExpired, ""},
		"of the future":                 {sign(`{"a":1}`, now.Add(time.Hour)), security.ErrExpired, ""},
		"a list":                        {sign(`[1]`, now), nil, "not a dict"},
		"no JSON":                       {sign(`{"a":`, now), nil, "unexpected end"},
		"two values":                    {sign(`{} {}`, now), nil, "more than one"},
		"not a word":                    {sign(`{"a":-NaN}`, now), nil, "invalid character"},
		"a number with a zero in front": {sign(`{"a":01}`, now), nil, "invalid character"},
		"an unknown escape":             {sign(`{"a":"\x41"}`, now), nil, "invalid escape"},
		"an escape cut short":           {sign(`{"a":"\u12`, now), nil, "invalid escape"},
		"a control character":           {sign("{\"a\":\"\n\"}", now), nil, "invalid character"},
		"bytes that are not UTF-8":      {sign("{\"a\":\"\xff\"}", now), nil, "not UTF-8"},
		"a comma too many":              {sign(`{"a":[1,]}`, now), nil, "invalid character"},
		"a key that is a number":        {sign(`{1:1}`, now), nil, "invalid character"},
		"a bad UUID":                    {sign(`{"a":{" u":"12"}}`, now), nil, `tag " u"`},
		"a bad tuple":                   {sign(`{"a":{" t":1}}`, now), nil, `tag " t"`},
		"a bad dict":                    {sign(`{"a":{" di":{"x":1}}}`, now), nil, `tag " di"`},
	} {
		t.Run(name, func(t *testing.T) {
			session, err := f.Open(c.value)
			require.Error(t, err)
			require.Nil(t, session)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			require.ErrorContains(t, err, c.says)
			if c.is != nil { // otherwise the session is the application's own, which must not be overwritten
				_, got := visit(t, Manager{Flask: &f}, "session="+c.value+"; session="+good, func(s *Session) { require.Equal(t, 1, s.Int("a"), "the second one is tried") })
				require.Empty(t, got.Header()["Set-Cookie"])
			}
		})
	}
}

func TestFlaskCookies(t *testing.T) {
	f := Flask{Secret: "s", Cookie: datastructures.Cookie{Name: "sid", Path: "/", Secure: true}}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c, err := f.save(map[string]any{"a": 1}, at)
	require.NoError(t, err)
	require.Regexp(t, `^sid=eyJhIjoxfQ\.[\w-]+\.[\w-]+; Secure; HttpOnly; Path=/$`, setCookie(t, c))
	c, err = f.save(map[string]any{"a": 1, permanent: true}, at)
	require.NoError(t, err)
	require.Contains(t, setCookie(t, c), "Expires=Fri, 25 Dec 2026 12:00:00 GMT")
	c, err = f.Save(nil)
	require.NoError(t, err)
	forget := f.forget()
	require.Equal(t, setCookie(t, forget), setCookie(t, c))
	require.Contains(t, setCookie(t, c), "Expires=Thu, 01 Jan 1970 00:00:00 GMT")
}

func setCookie(t *testing.T, c datastructures.Cookie) string {
	text, err := c.Format()
	require.NoError(t, err)
	return text
}

func TestWhatNoPythonSessionCanHold(t *testing.T) {
	f := Flask{Secret: "s"}
	loop := map[string]any{}
	loop["self"] = loop
	for name, c := range map[string]struct {
		value any
		says  string
	}{
		"a struct":      {struct{}{}, `["a"]: session: a Python session has no form for a struct {}`},
		"no UTF-8":      {"\xff", "not UTF-8"},
		"a bad number":  {json.Number("1x"), "not a number"},
		"itself":        {loop, "holds itself"},
		"too many data": {strings.Repeat("x\x01", 100) + random(6000), "browsers keep 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Save(map[string]any{"a": c.value})
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := new(Flask).Save(map[string]any{"a": 1})
	require.ErrorContains(t, err, "set the application's SECRET_KEY")
	_, err = new(Flask).Open("x")
	require.ErrorContains(t, err, "set the application's SECRET_KEY")
	split := Flask{Secret: "s", Fallbacks: strings.Split("", ",")}
	_, err = split.Open("x")
	require.ErrorContains(t, err, "Fallbacks[0] is empty")
}

// random returns text that does not compress.
func random(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; {
		x = x*1664525 + 1013904223
		fmt.Fprintf(&b, "%08x", x)
	}
	return b.String()
}

// Any value that is read is written in such a way that it reads the same again.
func FuzzTagged(f *testing.F) {
	for _, c := range flaskSessions {
		b, err := appendTagged(nil, c.value, 0)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := readTagged(data)
		if err != nil {
			return
		}
		b, err := appendTagged(nil, v, 0)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := readTagged(b)
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

func FuzzOpen(f *testing.F) {
	flask := Flask{Secret: "s"}
	c, err := flask.Save(map[string]any{"a": 1})
	require.NoError(f, err)
	f.Add(c.Value)
	f.Add("." + c.Value)
	f.Add("..")
	f.Fuzz(func(t *testing.T, value string) {
		if _, err := flask.Open(value); err == nil {
			require.Equal(t, c.Value, value, "what is not signed is not read")
		}
	})
}

func TestPayloadsHaveOneText(t *testing.T) {
	data, err := decodePayload(encodePayload([]byte("data")))
	require.NoError(t, err)
	require.Equal(t, "data", string(data))
	for _, text := range []string{"ZGF0YQ\n", "ZG\r\nF0YQ", ".\nZGF0YQ", "ZGF0YR", "ZGF0YQ=="} {
		_, err := decodePayload(text)
		require.Error(t, err, text)
	}
}
