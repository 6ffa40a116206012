//go:build amd64 || arm64

package corefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// span is a range of addresses, the end not in it.
type span struct{ start, end uint64 }

func (s span) size() uint64 { return s.end - s.start }

// mapping is a line of /proc/pid/maps.
type mapping struct {
	span
	writable bool
	private  bool
	offset   uint64
	path     string
}

// file reports whether the memory belongs to a file, until it is written to.
func (m mapping) file() bool { return strings.HasPrefix(m.path, "/") }

// mappings reads a process's memory map.
func mappings(proc string) ([]mapping, error) {
	f, err := os.Open(proc + "/maps")
	if err != nil {
		return nil, fmt.Errorf("read memory map: %w", err)
	}
	defer f.Close()
	var list []mapping
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// 7f00-7f01 rw-p 00001000 08:01 1234   /path with spaces
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		m := mapping{writable: strings.HasPrefix(fields[1], "rw"), private: strings.HasSuffix(fields[1], "p")}
		var errs [3]error
		m.start, errs[0] = strconv.ParseUint(from, 16, 64)
		m.end, errs[1] = strconv.ParseUint(to, 16, 64)
		m.offset, errs[2] = strconv.ParseUint(fields[2], 16, 64)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("read memory map: %w", err)
		}
		if len(fields) > 5 {
			m.path = lines.Text()[strings.Index(lines.Text(), fields[5]):]
		}
		list = append(list, m)
	}
	return list, lines.Err()
}

// resident returns the runs of pages of s that are in memory or swapped out. Go's heap reserves far
// more than it uses; memory that was never written to is zero and need not be in the file.
func resident(pagemap *os.File, s span, page uint64) ([]span, error) {
	var runs []span
	entries := make([]byte, 8*4096)
	for at := s.start; at < s.end; {
		count := min((s.end-at)/page, uint64(len(entries)/8))
		n, err := pagemap.ReadAt(entries[:count*8], int64(at/page*8))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read page map: %w", err)
		}
		if n == 0 {
			break
		}
		for entry := range n / 8 {
			// Bit 63: present, bit 62: swapped.
			if binary.NativeEndian.Uint64(entries[entry*8:])>>62 == 0 {
				continue
			}
			start := at + uint64(entry)*page
			if last := len(runs) - 1; last >= 0 && runs[last].end == start {
				runs[last].end += page
			} else {
				runs = append(runs, span{start, start + page})
			}
		}
		at += uint64(n/8) * page
	}
	return runs, nil
}
