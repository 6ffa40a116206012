package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// A tutorialBlock is a fenced block of docs/tutorial.md with the paragraph before it, which says
// what to do with it:
//
//	File `main.go`:                  the block is the whole file
//	In `main.go`, replace            the block is there once; the next block replaces it
//	by
//	Add to the end of `main.go`:     the block is appended
//	```console                       the block has commands, each followed by what it prints
type tutorialBlock struct {
	line                      int // of the fence
	paragraph, language, text string
}

var (
	wholeFile = regexp.MustCompile("(?:^|\n)File `([^`]+)`:$")
	replaced  = regexp.MustCompile("In `([^`]+)`, replace$")
	appended  = regexp.MustCompile("Add to the end of `([^`]+)`:$")
)

func tutorialBlocks(page string) []tutorialBlock {
	var blocks []tutorialBlock
	paragraph, ended := "", false // the last paragraph, and whether a blank line followed
	var open *tutorialBlock
	for i, line := range strings.Split(page, "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open != nil:
			blocks, open, paragraph = append(blocks, *open), nil, ""
		case fence:
			open = &tutorialBlock{line: i + 1, paragraph: strings.TrimSpace(paragraph), language: language}
		case open != nil:
			open.text += line + "\n"
		case line == "":
			ended = true
		default:
			if ended {
				paragraph, ended = "", false
			}
			paragraph += line + "\n"
		}
	}
	return blocks
}

// tutorialReader does what docs/tutorial.md says, in a folder of its own.
type tutorialReader struct {
	t       *testing.T
	address string // in place of 127.0.0.1:5000
	dir     string
	bin     string

	run      *exec.Cmd // zeug run, once it was started
	terminal *lines    // what it printed
	changes  map[string]string
}

// The page is followed as a reader would: each block is applied or typed, and what each command prints
// is compared with what the page says.
func TestTheTutorialCanBeTyped(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	page, err := os.ReadFile("../../docs/tutorial.md")
	require.NoError(t, err)
	r := &tutorialReader{t: t, address: "127.0.0.1:" + freeport.Port(t), dir: t.TempDir(), bin: t.TempDir(), changes: map[string]string{}}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(r.bin, "zeug")))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(root, filepath.Join(r.dir, "zeug")))
	defer r.stop()

	blocks := tutorialBlocks(strings.ReplaceAll(string(page), "127.0.0.1:5000", r.address))
	for i := 0; i < len(blocks); i++ {
		b := blocks[i]
		where := fmt.Sprintf("docs/tutorial.md:%d", b.line)
		if b.language == "console" {
			r.apply()
			r.console(where, b.text)
		} else if m := wholeFile.FindStringSubmatch(b.paragraph); m != nil {
			r.changes[m[1]] = b.text
		} else if m := appended.FindStringSubmatch(b.paragraph); m != nil {
			r.changes[m[1]] = r.text(m[1]) + b.text
		} else if m := replaced.FindStringSubmatch(b.paragraph); m != nil {
			i++
			require.Less(t, i, len(blocks), where)
			require.Equal(t, "by", blocks[i].paragraph, where)
			before := r.text(m[1])
			require.Equal(t, 1, strings.Count(before, b.text), "%s: the block is not in %s, or not once", where, m[1])
			r.changes[m[1]] = strings.Replace(before, b.text, blocks[i].text, 1)
		} else {
			require.Fail(t, "nothing says what to do with the block", "%s: %q", where, b.paragraph)
		}
	}
	require.NotNil(t, r.run)
	r.finished()
}

// text returns a file of the program with the edits so far.
func (r *tutorialReader) text(name string) string {
	r.t.Helper()
	if text, ok := r.changes[name]; ok {
		return text
	}
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(r.t, err)
	return string(text)
}

// apply saves the edits. zeug run is stopped meanwhile, so that it sees all of them at once, and a
// change of Go code is awaited: a request then waits for the new program.
func (r *tutorialReader) apply() {
	t := r.t
	if len(r.changes) == 0 {
		return
	}
	seen, code := 0, false
	if r.run != nil {
		seen = r.detected()
		require.NoError(t, r.run.Process.Signal(syscall.SIGSTOP))
	}
	for name, text := range r.changes {
		code = code || strings.HasSuffix(name, ".go")
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600))
	}
	clear(r.changes)
	if r.run != nil {
		require.NoError(t, r.run.Process.Signal(syscall.SIGCONT))
		if code {
			require.Eventually(t, func() bool { return r.detected() > seen }, 5*time.Minute, 10*time.Millisecond, "%s", r.terminal)
		}
	}
}

func (r *tutorialReader) detected() int {
	return strings.Count(r.terminal.String(), "detected change")
}

// console types the commands of a block.
func (r *tutorialReader) console(where, text string) {
	for part := range strings.SplitSeq("\n"+text, "\n$ ") {
		command, prints, _ := strings.Cut(part, "\n")
		switch {
		case strings.TrimSpace(command) == "":
		case command == "zeug run":
			r.start(where, prints)
		case strings.HasPrefix(command, "mkdir shortly && cd "):
			r.shell(where, "mkdir shortly", prints)
			r.dir = filepath.Join(r.dir, "shortly")
		default:
			r.shell(where, command, prints)
		}
	}
}

// shell runs a command. A command that sends a request is repeated until it prints the expected
// output, because the old program may still be running.
func (r *tutorialReader) shell(where, command, want string) {
	t := r.t
	t.Helper()
	typed := func() ([]byte, error) {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = r.dir
		cmd.Env = append(os.Environ(), "TEST_ZEUG=1", "GOWORK=off", "GOFLAGS=", "PATH="+r.bin+":"+os.Getenv("PATH"))
		return cmd.CombinedOutput()
	}
	if !strings.HasPrefix(command, "curl ") {
		out, err := typed()
		require.NoError(t, err, "%s: %s: %s", where, command, out)
		return
	}
	command = strings.Replace(command, "curl ", "curl -sS ", 1) // no progress
	var last atomic.Value
	last.Store("")
	ok := func() bool {
		out, err := typed()
		last.Store(string(out))
		return err == nil && printed(string(out), want)
	}
	if !ok() {
		require.Eventually(t, ok, 5*time.Minute, 100*time.Millisecond, "%s: %s\nprints %s\n%.3000s", where, command, &last, r.terminal)
	}
}

// printed reports whether out is what the page shows, in which a line "…" stands for any lines and
// the end of a line in a block may lack white space.
func printed(out, want string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(want) {
		if line == "…\n" {
			pattern.WriteString(`(?:.*\n)*?`)
		} else {
			pattern.WriteString(regexp.QuoteMeta(strings.TrimRight(line, " \n")) + ` *\r?\n`)
		}
	}
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(out)
}

// start runs zeug run on a terminal, and waits until it has printed what the page shows.
func (r *tutorialReader) start(where, want string) {
	t := r.t
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	var unlock, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(value)))
		require.Zero(t, errno)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer slave.Close()
	r.run, r.terminal = zeug(r.dir, "run"), &lines{}
	r.run.Env = append(r.run.Env, "NO_COLOR=1")
	r.run.Stdin, r.run.Stdout, r.run.Stderr = slave, slave, slave
	require.NoError(t, r.run.Start())
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			r.terminal.Write(b[:n])
			if err != nil { // the other side is closed
				master.Close()
				return
			}
		}
	}()
	require.Eventually(t, func() bool { return printed(r.terminal.String(), want) }, 5*time.Minute, 20*time.Millisecond,
		"%s: %s", where, r.terminal)
}

func (r *tutorialReader) stop() {
	if r.run != nil {
		r.run.Process.Signal(syscall.SIGTERM)
		r.run.Wait()
	}
}

// finished requires that docs/tutorial/app is what the reader has at the end, apart from its test.
func (r *tutorialReader) finished() {
	t, app := r.t, "../../docs/tutorial/app"
	r.apply()
	var files []string
	require.NoError(t, filepath.WalkDir(app, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, err := filepath.Rel(app, path)
		if err != nil {
			return err
		}
		files = append(files, name)
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			return err
		}
		require.Equal(t, strings.ReplaceAll(string(want), "127.0.0.1:5000", r.address), string(got), name)
		return nil
	}))
	require.ElementsMatch(t, []string{"main.go", "views.go", "links.go", "static/style.css", "templates/layout.html",
		"templates/new_url.html", "templates/short_link_details.html"}, files)
	format := exec.Command("gofmt", "-l", r.dir)
	out, err := format.CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(out))
}
