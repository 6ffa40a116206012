package debugger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// archive is a folder with the pages of the last failures, which later processes can show too. A
// file is named by the id of its failure, "f12". An id is taken by making an empty file of that
// name, so that two processes never share one; the page comes later.
type archive struct{ folder string }

// maxArchived is the largest size of a failure's file, in bytes. If the page of a failure is
// longer, the failure is kept as text.
const maxArchived = 1 << 20

// unfinished ends the name of a file that is being written.
const unfinished = ".new"

// archived is a rendered page.
type archived struct {
	failureLine
	// Nonce is the nonce in the page, which its later responses must use too.
	Nonce            string
	HTML, JSON, Text string
}

// failureLine is the line for a failure in a list.
type failureLine struct {
	ID, Title, Method, URL string
	Time                   time.Time
}

// numbers lists the failures in the folder, the oldest first.
func (a archive) numbers() (list []int) {
	entries, err := os.ReadDir(a.folder)
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		if n, err := strconv.Atoi(strings.TrimPrefix(entry.Name(), "f")); err == nil && entry.Name() == idOf(int64(n)) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// take returns an id after all others, and removes the failures before the last maxKept.
// It returns "" if the folder cannot be written to.
func (a archive) take() string {
	if os.MkdirAll(a.folder, 0o700) != nil {
		return ""
	}
	for {
		list := a.numbers()
		next := 1
		if len(list) > 0 {
			next = list[len(list)-1] + 1
		}
		file, err := os.OpenFile(a.path(next), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if os.IsExist(err) {
			continue // another request or process took it meanwhile
		}
		if err != nil {
			return ""
		}
		file.Close()
		list = a.numbers()
		if len(list) > 0 && next <= list[len(list)-1]-maxKept {
			os.Remove(a.path(next))
			continue // others were faster: the id may have been taken, and already removed
		}
		for _, old := range list {
			if old <= next-maxKept {
				os.Remove(a.path(old))
				os.Remove(a.path(old) + unfinished)
			}
		}
		return idOf(int64(next))
	}
}

func (a archive) path(number int) string { return filepath.Join(a.folder, idOf(int64(number))) }

// put keeps a page if its id is still one of the newest.
func (a archive) put(p page.Page) error {
	path := filepath.Join(a.folder, p.ID)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("keep a failure: %w", err)
	}
	record := archived{failureLine: lineOf(p), Nonce: rand.Text(), Text: p.Text()}
	_, html := p.Body(page.HTML, record.Nonce)
	_, text := p.Body(page.JSON, "")
	record.HTML, record.JSON = string(html), string(text)
	data, err := json.Marshal(record)
	if err == nil && len(data) > maxArchived {
		record.HTML, record.JSON, record.Text = "", "", dump.Cut(record.Text, maxArchived/8)
		data, err = json.Marshal(record)
	}
	if err != nil { // it is made of strings, so this cannot fail
		return err
	}
	if err := os.WriteFile(path+unfinished, data, 0o600); err != nil {
		return fmt.Errorf("keep a failure: %w", err)
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return fmt.Errorf("keep a failure: %w", err)
	}
	if list := a.numbers(); len(list) > 0 && numberOf(p) <= list[len(list)-1]-maxKept {
		return os.Remove(path) // it was removed meanwhile, and has now come back
	}
	return nil
}

// get returns the page of a failure, and false if it is not kept.
func (a archive) get(id string) (record archived, ok bool) {
	if !filepath.IsLocal(id) || strings.ContainsAny(id, `/\`) || !strings.HasPrefix(id, "f") {
		return record, false
	}
	data, err := os.ReadFile(filepath.Join(a.folder, id))
	return record, err == nil && json.Unmarshal(data, &record) == nil && record.ID == id
}

// lines lists the failures that have a page, the oldest first.
func (a archive) lines() (list []failureLine) {
	for _, n := range a.numbers() {
		if record, ok := a.get(idOf(int64(n))); ok {
			list = append(list, record.failureLine)
		}
	}
	return list
}

func (a archived) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	nonce := page.SetHeader(h)
	kind, body := "text/plain; charset=utf-8", a.Text
	switch f := page.Wanted(r); {
	case f == page.HTML && a.HTML != "":
		kind, body = "text/html; charset=utf-8", strings.ReplaceAll(a.HTML, a.Nonce, nonce)
	case f == page.JSON && a.JSON != "":
		kind, body = "application/json", a.JSON
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body)) // the client has gone
	}
}

// numberOf is the number in the id.
func numberOf(p page.Page) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(p.ID, "f"))
	return n
}

// last returns the last maxKept pages of a list, which has at most one page more.
func last(list []page.Page) []page.Page {
	if len(list) <= maxKept {
		return list
	}
	oldest := 0
	for i, p := range list {
		if numberOf(p) < numberOf(list[oldest]) {
			oldest = i
		}
	}
	return slices.Delete(list, oldest, oldest+1)
}

// lineOf is the line for the failure in a list.
func lineOf(p page.Page) failureLine {
	return failureLine{ID: p.ID, Title: p.Title(), Method: p.Request.Method, URL: p.Request.URL, Time: p.Time}
}
