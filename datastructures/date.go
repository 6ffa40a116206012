package datastructures

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// FormatDate returns a time as HTTP writes it (RFC 9110, section 5.6.7): "Sun, 06
// Nov 1994 08:49:37 GMT", whatever the time's zone.
func FormatDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// ParseDate reads an HTTP date, in the form that [FormatDate] writes or in an older one: "Sunday,
// 06-Nov-94 08:49:37 GMT" or "Sun Nov 6 08:49:37 1994". It also reads dates of mail, with a numeric
// zone ("+0200") or an American one, and without a weekday or seconds. Names of days and months may
// be longer than three letters, but contain only letters. The result is in UTC, which is also the
// zone of a date without one. The day of the week is not compared with the date. A year of two
// digits means the nearest such year that is not more than 50 years ahead.
func ParseDate(s string) (time.Time, bool) {
	s = httplex.Trim(s)
	if t, ok := parseFixdate(s); ok {
		return t, true
	}
	return parseLooseDate(s)
}

// parseFixdate reads the one form that is written today, by offset.
func parseFixdate(s string) (time.Time, bool) {
	if len(s) != len(http.TimeFormat) || s[3] != ',' || s[4] != ' ' || s[7] != ' ' || s[11] != ' ' ||
		s[16] != ' ' || s[19] != ':' || s[22] != ':' || s[25:] != " GMT" || weekday(s[:3]) < 0 {
		return time.Time{}, false
	}
	return makeDate(digits(s[12:16]), month(s[8:11]), digits(s[5:7]), digits(s[17:19]), digits(s[20:22]), digits(s[23:25]), 0)
}

// parseLooseDate reads the words of a date in the order of one of the forms.
func parseLooseDate(s string) (time.Time, bool) {
	if len(s) > 64 {
		return time.Time{}, false
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	if len(words) > 0 && weekday(words[0]) >= 0 {
		words = words[1:]
	}
	if len(words) == 0 {
		return time.Time{}, false
	}
	// 06-Nov-94 is three words.
	if parts := strings.Split(words[0], "-"); len(parts) == 3 {
		words = append(parts, words[1:]...)
	}
	if len(words) < 4 {
		return time.Time{}, false
	}
	var day, monthName, year, clock, zone string
	if month(words[0]) > 0 {
		// Nov 6 08:49:37 1994
		monthName, day, clock, year = words[0], words[1], words[2], words[3]
	} else {
		// 06 Nov 1994 08:49:37 GMT
		day, monthName, year, clock = words[0], words[1], words[2], words[3]
	}
	switch len(words) {
	case 4:
	case 5:
		zone = words[4]
	default:
		return time.Time{}, false
	}
	hour, minute, second := -1, -1, 0
	switch parts := strings.Split(clock, ":"); len(parts) {
	case 3:
		second = digits(parts[2])
		fallthrough
	case 2:
		hour, minute = digits(parts[0]), digits(parts[1])
	}
	offset, ok := zoneOffset(zone)
	if !ok || len(day) > 2 {
		return time.Time{}, false
	}
	return makeDate(fullYear(year), month(monthName), digits(day), hour, minute, second, offset)
}

// makeDate does what [time.Date] does, but refuses dates that are not on the calendar.
func makeDate(year int, month time.Month, day, hour, minute, second, offset int) (time.Time, bool) {
	if year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	if t.Day() != day {
		return time.Time{}, false
	}
	return t.Add(-time.Duration(offset) * time.Second), true
}

// digits reads at most nine digits, -1 if s is anything else.
func digits(s string) int {
	if s == "" || len(s) > 9 {
		return -1
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

const (
	weekdays = "sunmontuewedthufrisat"
	months   = "janfebmaraprmayjunjulaugsepoctnovdec"
)

// named finds the first three letters of s in a table of names of three letters, and returns its
// index there, or -1. Only the other letters of the name may follow: "Nov9" is not a month.
func named(s, table string) int {
	if len(s) < 3 || !letters(s[3:]) {
		return -1
	}
	for i := 0; i < len(table); i += 3 {
		if httplex.EqualFold(s[:3], table[i:i+3]) {
			return i / 3
		}
	}
	return -1
}

// letters reports whether s has only ASCII letters.
func letters(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func weekday(s string) int { return named(s, weekdays) }

func month(s string) time.Month { return time.Month(named(s, months) + 1) }

// fullYear reads a year of four digits or of two. Two digits mean the latest such
// year that is not more than 50 years ahead (RFC 9110, section 5.6.7).
func fullYear(s string) int {
	year := digits(s)
	if year < 0 || len(s) != 2 {
		if len(s) != 4 {
			return -1
		}
		return year
	}
	now := time.Now().UTC().Year()
	year += now - now%100
	switch {
	case year > now+50:
		year -= 100
	case year <= now-50:
		year += 100
	}
	return year
}

// zoneOffset is the offset of a zone in seconds: "+0200", or a name that mail
// knows (RFC 5322, section 4.3). An unknown name made of letters counts as UTC.
func zoneOffset(s string) (int, bool) {
	if len(s) == 5 && (s[0] == '+' || s[0] == '-') {
		n := digits(s[1:])
		if n < 0 || n%100 > 59 || n >= 2400 {
			return 0, false
		}
		n = (n/100*60 + n%100) * 60
		if s[0] == '-' {
			n = -n
		}
		return n, true
	}
	if !letters(s) {
		return 0, false
	}
	if len(s) == 3 && (s[1]|0x20 == 's' || s[1]|0x20 == 'd') && s[2]|0x20 == 't' {
		if i := strings.IndexByte("ecmp", s[0]|0x20); i >= 0 {
			hours := -5 - i
			if s[1]|0x20 == 'd' {
				hours++
			}
			return hours * 3600, true
		}
	}
	return 0, true
}

// maxAge is the longest time in seconds that fits a [time.Duration].
const maxAge = time.Duration(1<<63-1) / time.Second * time.Second

// ParseAge reads a number of seconds, as in the Age header (RFC 9111, section
// 1.2.2). The age is never negative. A number that a [time.Duration] cannot hold
// becomes the largest number of seconds that it can hold.
func ParseAge(s string) (time.Duration, bool) {
	s = httplex.Trim(s)
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	if s == "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds > int64(maxAge/time.Second) {
		return maxAge, true
	}
	return time.Duration(seconds) * time.Second, true
}

// FormatAge returns a time span in whole seconds; a negative one is 0.
func FormatAge(d time.Duration) string {
	return strconv.FormatInt(max(0, int64(d/time.Second)), 10)
}
