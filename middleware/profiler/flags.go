package profiler

import (
	"flag"
	"fmt"
	"io"

	"github.com/google/pprof/driver"
)

// flags replaces the command line that pprof's driver reads: one profile, shown
// over HTTP, without starting a browser.
type flags struct {
	*flag.FlagSet
	arguments []string
}

var _ driver.FlagSet = (*flags)(nil)

func newFlags(path string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet("pprof", flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	f.arguments = []string{"-http=localhost:0", "-no_browser", "-symbolize=none", path}
	return f
}

// StringList is a flag that may be repeated.
func (f *flags) StringList(name, def, usage string) *[]*string {
	return &[]*string{f.String(name, def, usage)}
}

// ExtraUsage and AddExtraUsage are for help texts, which do not exist here.
func (f *flags) ExtraUsage() string   { return "" }
func (f *flags) AddExtraUsage(string) {}

// Parse reads the command line.
func (f *flags) Parse(usage func()) []string {
	if err := f.FlagSet.Parse(f.arguments); err != nil {
		usage()
	}
	return f.Args()
}

// silent is a user interface without a terminal.
type silent struct{}

func (silent) ReadLine(string) (string, error)     { return "", io.EOF }
func (silent) Print(...any)                        {}
func (silent) PrintErr(...any)                     {}
func (silent) IsTerminal() bool                    { return false }
func (silent) WantBrowser() bool                   { return false }
func (silent) SetAutoComplete(func(string) string) {}
func (s silent) String() string                    { return fmt.Sprintf("%T", s) }
