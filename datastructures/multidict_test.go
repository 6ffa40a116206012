package datastructures_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
)

// values returns Values of keys and values that alternate.
func values(pairs ...string) *datastructures.Values {
	v := new(datastructures.Values)
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func TestMultiDictKeepsOrderAcrossKeys(t *testing.T) {
	d := values("b", "1", "a", "2", "b", "3")
	require.Equal(t, "b=1&a=2&b=3", d.Encode())
	require.Equal(t, 3, d.Len())
	require.Equal(t, []string{"1", "3"}, d.List("b"))
	require.Equal(t, map[string][]string{"a": {"2"}, "b": {"1", "3"}}, maps.Collect(d.Lists()))
	var lists []string
	for key, list := range d.Lists() {
		lists = append(lists, key+strconv.Itoa(len(list)))
	}
	require.Equal(t, []string{"b2", "a1"}, lists)
}

func TestMultiDictChanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *datastructures.Values)
		want   string
	}{
		{"Add appends", func(d *datastructures.Values) { d.Add("a", "4") }, "a=1&b=2&a=3&a=4"},
		{"Set takes the first place", func(d *datastructures.Values) { d.Set("a", "4") }, "a=4&b=2"},
		{"Set of a new key appends", func(d *datastructures.Values) { d.Set("c", "4") }, "a=1&b=2&a=3&c=4"},
		{"SetList fills the places", func(d *datastructures.Values) { d.SetList("a", "4", "5", "6") }, "a=4&b=2&a=5&a=6"},
		{"SetList of nothing removes", func(d *datastructures.Values) { d.SetList("a") }, "b=2"},
		{"Del removes all", func(d *datastructures.Values) { d.Del("a") }, "b=2"},
		{"Del of a key that is not there", func(d *datastructures.Values) { d.Del("z") }, "a=1&b=2&a=3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := values("a", "1", "b", "2", "a", "3")
			c.change(d)
			require.Equal(t, c.want, d.Encode())
		})
	}
}

func TestCloneSharesNothing(t *testing.T) {
	d := values("a", "1")
	c := d.Clone()
	c.Set("a", "2")
	c.Add("b", "3")
	require.Equal(t, "a=1", d.Encode())
}

func TestFromMapSortsKeys(t *testing.T) {
	d := datastructures.FromMap(url.Values{"b": {"2", "1"}, "a": {"0"}, "c": nil})
	require.Equal(t, map[string][]string{"b": {"2", "1"}, "a": {"0"}}, maps.Collect(d.Lists()))
	require.Equal(t, []string{"2", "1"}, d.List("b"))
	require.Equal(t, url.Values{"b": {"2", "1"}, "a": {"0"}}, url.Values(maps.Collect(d.Lists())))
}

func TestParseQueryLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"nothing", "", nil},
		{"pairs in order", "b=1&a=2&b=3", []string{"b", "1", "a", "2", "b", "3"}},
		{"values that are empty", "d&=e", []string{"d", "", "", "e"}},
		{"a pair of nothing", "=", []string{"", ""}},
		{"empty pairs are skipped", "&&a=b&&", []string{"a", "b"}},
		{"an equals sign in a value", "a=b=c", []string{"a", "b=c"}},
		{"semicolons are data", "a=1;b=2", []string{"a", "1;b=2"}},
		{"escapes and plus signs", "a+b=%C3%BC%2B", []string{"a b", "ü+"}},
		{"bytes that are not UTF-8 stay escaped", "a=%ff%C3%BC", []string{"a", "%FFü"}},
		{"raw bytes that are not UTF-8 become escapes", "a=\xffb", []string{"a", "%FFb"}},
		{"invalid escapes stay", "a=%zz%4&%=1", []string{"a", "%zz%4", "%", "1"}},
		{"an escape at the end", "a=%41%4", []string{"a", "A%4"}},
		{"a zero byte", "a=%00", []string{"a", "\x00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := datastructures.ParseQuery(c.query)
			require.Equal(t, values(c.want...), got)
			require.Equal(t, got, datastructures.ParseQuery(got.Encode()))
		})
	}
}

func TestEncodeEscapesWhatEndsAPair(t *testing.T) {
	v := values("a&b=c", "d e+f%#;", "!$'()*,/:;?@-._~", "ü\n", "", "")
	require.Equal(t, "a%26b%3Dc=d+e%2Bf%25%23;&!$'()*,/:;?@-._~=%C3%BC%0A&=", v.Encode())
	require.Equal(t, v, datastructures.ParseQuery(v.Encode()))
}

func TestTypedReading(t *testing.T) {
	v := values("n", "42", "n", "7", "f", "2.5", "on", "on", "off", "No", "day", "2026-11-21", "d", "90s",
		"word", "x", "big", "99999999999999999999", "inf", "inf", "hex", "0x1p3", "empty", "")
	require.Equal(t, 42, v.Int("n", 1))
	require.Equal(t, 2.5, v.Float("f", 1))
	require.True(t, v.Bool("on", false))
	require.False(t, v.Bool("off", true))
	require.Equal(t, 90*time.Second, datastructures.Get(v, "d", time.ParseDuration, 0))

	for _, key := range []string{"word", "big", "missing", "empty"} {
		require.Equal(t, 1, v.Int(key, 1), key)
		require.True(t, v.Bool(key, true), key)
	}
	for _, key := range []string{"inf", "hex", "word", "missing"} {
		require.Equal(t, 1.5, v.Float(key, 1.5), key)
	}
	require.Equal(t, []int{42, 7}, datastructures.GetList(v, "n", strconv.Atoi))
	require.Equal(t, []int(nil), datastructures.GetList(v, "word", strconv.Atoi))
	require.Equal(t, "x", v.GetOr("word", "y"))
	require.Equal(t, "y", v.GetOr("missing", "y"))
	require.Equal(t, "", v.GetOr("empty", "y"), "an empty value is a value")
}

func TestRequiredFieldsAnswer400AndNameThem(t *testing.T) {
	v := values("n", "x", "empty", "")
	for _, c := range []struct {
		name    string
		err     error
		says    string
		missing bool
	}{
		{"a missing text", second(v.Require("id")), `The field "id" is missing.`, true},
		{"a missing number", second(datastructures.Require(v, "id", strconv.Atoi)), `The field "id" is missing.`, true},
		{"not a number", second(datastructures.Require(v, "n", strconv.Atoi)), `The value of the field "n" is not valid.`, false},
		{"a duration that is not valid", second(datastructures.Require(v, "n", time.ParseDuration)), `The value of the field "n" is not valid.`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.ErrorIs(t, c.err, httperror.BadRequest)
			var field *datastructures.FieldError
			require.ErrorAs(t, c.err, &field)
			require.Equal(t, c.missing, field.Err == nil)
			w := httptest.NewRecorder()
			httperror.Respond(w, httptest.NewRequest("GET", "/", nil), c.err)
			require.Equal(t, http.StatusBadRequest, w.Code)
			page, _ := httperror.From(c.err)
			require.Equal(t, c.says, page.Description)
		})
	}
	empty, err := v.Require("empty")
	require.NoError(t, err)
	require.Empty(t, empty)
	_, err = datastructures.Require(v, "n", strconv.Atoi)
	require.ErrorIs(t, err, strconv.ErrSyntax)
}

func second[T any](_ T, err error) error { return err }

func TestACloneSharesNoItems(t *testing.T) {
	var d datastructures.MultiDict[int]
	d.Add("a", 1)
	c := d.Clone()
	c.Add("b", 2)
	d.Set("a", 9)
	require.Equal(t, 1, c.Get("a"))
	require.False(t, d.Has("b"))
}

func TestCombinedValuesAreReadInOrderOfPrecedence(t *testing.T) {
	args, form := values("a", "1", "n", "x"), values("a", "2", "b", "3", "n", "5")
	c := datastructures.Combine(args, form)
	require.Equal(t, 5, c.Len())
	require.Equal(t, "1", c.Get("a"))
	require.Equal(t, "3", c.Get("b"))
	require.Equal(t, "z", c.GetOr("c", "z"))
	require.Equal(t, []string{"1", "2"}, c.List("a"))
	require.True(t, c.Has("b"))
	require.False(t, c.Has("c"))
	require.Equal(t, 5, c.Int("n", 0), "a malformed value lets the next source answer")
	require.Equal(t, 9, c.Int("c", 9))
	n, err := datastructures.Require(c, "n", strconv.Atoi)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	_, err = c.Require("c")
	require.ErrorIs(t, err, httperror.BadRequest)
	args.Set("c", "now")
	require.False(t, c.Has("c"), "it is a copy")
	var keys []string
	for key := range c.All() {
		keys = append(keys, key)
	}
	require.Equal(t, []string{"a", "n", "a", "b", "n"}, keys)
}

func TestGetPassesParserErrorsOn(t *testing.T) {
	odd := errors.New("odd")
	even := func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err == nil && n%2 != 0 {
			err = odd
		}
		return n, err
	}
	v := values("a", "3", "b", "4")
	require.Equal(t, -1, datastructures.Get(v, "a", even, -1))
	require.Equal(t, 4, datastructures.Get(v, "b", even, -1))
	_, err := datastructures.Require(v, "a", even)
	require.ErrorIs(t, err, odd)
	require.EqualError(t, err, `400 Bad Request: field "a": odd`)
}
