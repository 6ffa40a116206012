package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/limits"
)

// Values of flags that carry a unit.

// seconds is a time as gunicorn takes it, a number of seconds, or as Go writes it:
// "30", "1.5", "2m", "500ms". It is not below 0.
type seconds time.Duration

func (s *seconds) String() string {
	if *s == 0 {
		return "" // no default to be shown
	}
	return time.Duration(*s).String()
}

func (s *seconds) Type() string { return "time" }

func (s *seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if number, numberErr := strconv.ParseFloat(text, 64); numberErr == nil {
		d, err = time.Duration(number*float64(time.Second)), nil
		if math.IsNaN(number) || math.Abs(number) > 1e9 {
			err = errors.New("out of range")
		}
	}
	if err != nil || d < 0 {
		return errors.New("write seconds, as in 30, or a time with its unit, as in 2m or 500ms")
	}
	*s = seconds(d)
	return nil
}

// orNever is the time, or a time that never ends for 0, as in gunicorn.
func (s seconds) orNever() time.Duration {
	if s == 0 {
		return limits.Forever
	}
	return time.Duration(s)
}

// size is a number of bytes: "1000", "64K", "300M", "2G", in powers of 1024.
type size int64

var sizeUnits = []string{"", "K", "M", "G", "T"}

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	n, unit := int64(*s), 0
	for n%1024 == 0 && unit < len(sizeUnits)-1 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + sizeUnits[unit]
}

func (s *size) Type() string { return "size" }

func (s *size) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	factor := int64(1)
	for i, unit := range sizeUnits[1:] {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, factor = rest, 1<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return errors.New("write a number of bytes, as in 1000000, 64K, 300M or 2G")
	}
	*s = size(n * factor)
	return nil
}

// readable writes a number of bytes for people.
func readable(n int64) string {
	v, unit := float64(n), 0
	for v >= 1024 && unit < len(sizeUnits)-1 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10)
	}
	if v < 10 {
		return fmt.Sprintf("%.1f %s", v, sizeUnits[unit])
	}
	return fmt.Sprintf("%.0f %s", v, sizeUnits[unit])
}

// age writes how long something has been, in its two largest units.
func age(d time.Duration) string {
	d = d.Truncate(time.Second)
	days := int(d / (24 * time.Hour))
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, int(d/time.Hour)%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", int(d/time.Hour), int(d/time.Minute)%60)
	}
	return d.String()
}
