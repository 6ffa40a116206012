//go:build amd64 || arm64

package corefile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Types of notes (linux/elf.h).
const (
	noteStatus = 1          // NT_PRSTATUS: a thread's registers
	noteInfo   = 3          // NT_PRPSINFO: the process
	noteAuxv   = 6          // NT_AUXV: where the kernel put the program
	noteFile   = 0x46494c45 // NT_FILE: which files are mapped where
)

// write writes the core of a process that is stopped to the file that create returns.
func write(pid int, create func(size int64) (*os.File, error)) (size int64, err error) {
	proc := "/proc/" + strconv.Itoa(pid)
	mem, err := os.Open(proc + "/mem")
	if err != nil {
		return 0, fmt.Errorf("read memory of the process (is it dumpable?): %w", err)
	}
	defer mem.Close()
	core, err := plan(proc, pid)
	if err != nil {
		return 0, err
	}
	f, err := create(int64(core.total))
	if err != nil {
		return 0, err
	}
	if err := core.writeTo(f, mem); err != nil {
		return 0, fmt.Errorf("write core: %w", err)
	}
	return int64(core.total), nil
}

// core is the layout of a file: an ELF header, a program header for the notes and for each run of
// memory, the notes, a block of zeros, the memory.
//
//	0        headersSize   start      start+zeroSize         total
//	| headers | notes | … | zeros     | runs[0] | runs[1] | … |
type core struct {
	runs        []span // runs of memory that are in use
	zeros       []span // runs of memory that were never touched
	notes       []byte
	headersSize uint64
	start       uint64 // at a page
	total       uint64
}

// plan finds out what must be in the core of a process.
func plan(proc string, pid int) (*core, error) {
	page := uint64(os.Getpagesize())
	maps, err := mappings(proc)
	if err != nil {
		return nil, err
	}
	runs, untouched, err := memory(proc, maps, page)
	if err != nil {
		return nil, err
	}
	for before := 0; len(runs) > maxHeaders && len(runs) != before; {
		before = len(runs)
		runs = joined(runs)
	}
	if len(runs) > maxHeaders {
		return nil, fmt.Errorf("write core: memory in %d pieces, the format has room for 65534", len(runs))
	}
	c := &core{runs: runs, zeros: pieces(untouched, maxHeaders-len(runs))}
	if c.notes, err = notes(proc, pid, maps, page); err != nil {
		return nil, err
	}
	c.headersSize = uint64(64 + 56*(len(c.runs)+len(c.zeros)+1))
	c.start = (c.headersSize + uint64(len(c.notes)) + page - 1) / page * page
	c.total = c.start + zeroSize
	for _, r := range c.runs {
		c.total += r.size()
	}
	return c, nil
}

// memory returns the runs of memory that are in use, and those that were never written to.
func memory(proc string, maps []mapping, page uint64) (runs, untouched []span, err error) {
	pagemap, err := os.Open(proc + "/pagemap")
	if err != nil {
		return nil, nil, fmt.Errorf("read page map of the process: %w", err)
	}
	defer pagemap.Close()
	for _, m := range maps {
		// [vvar] and similar mappings belong to the kernel and cannot be read.
		// If a file is mapped shared, the file is the better source.
		if !m.writable || !m.private || strings.HasPrefix(m.path, "[v") {
			continue
		}
		found, err := resident(pagemap, m.span, page)
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, found...)
		if !m.file() {
			untouched = append(untouched, gaps(m.span, found)...)
		}
	}
	return runs, untouched, nil
}

// writeTo writes the file. It reads the memory from mem.
func (c *core) writeTo(f *os.File, mem io.ReaderAt) error {
	if _, err := f.Write(header(c.runs, c.zeros, c.headersSize, uint64(len(c.notes)), c.start)); err != nil {
		return err
	}
	if _, err := f.Write(c.notes); err != nil {
		return err
	}
	// The zeros are a hole in the file, which takes no space on disk.
	if _, err := f.Seek(int64(c.start+zeroSize), io.SeekStart); err != nil {
		return err
	}
	if err := f.Truncate(int64(c.start + zeroSize)); err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for _, r := range c.runs {
		for at := r.start; at < r.end; {
			part := buf[:min(uint64(len(buf)), r.end-at)]
			if _, err := mem.ReadAt(part, int64(at)); err != nil {
				// This part was unmapped after the map was read, so zeros will do.
				clear(part)
			}
			if _, err := f.Write(part); err != nil {
				return err
			}
			at += uint64(len(part))
		}
	}
	return nil
}

// joined halves the number of runs by closing the gaps between runs that are close together.
func joined(runs []span) []span {
	out := runs[:0]
	for i := 0; i < len(runs); i += 2 {
		r := runs[i]
		if i+1 < len(runs) {
			if next := runs[i+1]; next.start-r.end < 1<<20 {
				r.end = next.end
			} else {
				out = append(out, r)
				r = next
			}
		}
		out = append(out, r)
	}
	return out
}

// Memory that was never touched is zero, and readers want to read it: a fresh buffer has such
// pages. Delve reads memory only from the file, whatever size in memory the header gives. So all
// untouched memory points to the same block of zeros in the file.
const (
	// zeroSize is the size of that block, in bytes.
	zeroSize = 1 << 20
	// maxUntouched is the largest run that the file includes. Larger ones are reserved address
	// space: the race detector reserves terabytes.
	maxUntouched = 1 << 30
	// maxHeaders is the largest number of runs: their count is a 16-bit number.
	maxHeaders = 60_000
)

// gaps returns the parts of s that are not in runs, which are in order.
func gaps(s span, runs []span) (list []span) {
	at := s.start
	for _, r := range slices.Concat(runs, []span{{s.end, s.end}}) {
		if r.start > at {
			list = append(list, span{at, r.start})
		}
		at = r.end
	}
	return list
}

// pieces cuts spans into pieces of at most zeroSize, as many as there is room for.
func pieces(spans []span, room int) (list []span) {
	for _, s := range spans {
		if s.size() > maxUntouched {
			continue
		}
		for at := s.start; at < s.end && len(list) < room; at += zeroSize {
			list = append(list, span{at, min(at+zeroSize, s.end)})
		}
	}
	return list
}

// header is the ELF header and the program headers.
func header(runs, zeros []span, notesAt, notesSize, memoryAt uint64) []byte {
	machine := elf.EM_X86_64
	if runtime.GOARCH == "arm64" {
		machine = elf.EM_AARCH64
	}
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(runs) + len(zeros) + 1),
	}
	copy(h.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)})
	b := pack(nil, h, elf.Prog64{Type: uint32(elf.PT_NOTE), Off: notesAt, Filesz: notesSize})
	load := func(s span, at uint64) {
		b = pack(b, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: at,
			Vaddr: s.start, Filesz: s.size(), Memsz: s.size(), Align: uint64(os.Getpagesize()),
		})
	}
	for _, z := range zeros {
		load(z, memoryAt)
	}
	memoryAt += zeroSize
	for _, r := range runs {
		load(r, memoryAt)
		memoryAt += r.size()
	}
	return b
}

// notes describes the process. It has one thread, about which the notes say
// only that it exists, since a goroutine that waits has its registers in
// memory. It also names the program's file, from which a reader takes code and
// constants.
func notes(proc string, pid int, maps []mapping, page uint64) ([]byte, error) {
	auxv, err := os.ReadFile(proc + "/auxv")
	if err != nil {
		return nil, fmt.Errorf("read auxiliary vector: %w", err)
	}
	exe, err := os.Readlink(proc + "/exe")
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	statusSize := 336 // sizeof(struct elf_prstatus)
	if runtime.GOARCH == "arm64" {
		statusSize = 392
	}
	status, info := make([]byte, statusSize), make([]byte, 136)
	binary.LittleEndian.PutUint32(status[32:], uint32(pid))
	binary.LittleEndian.PutUint32(info[24:], uint32(pid))

	var parts []uint64
	var names []byte
	for _, m := range maps {
		if m.path == exe {
			// If a program was rebuilt while it ran, its file is marked "(deleted)". The reader
			// gets the old file's path.
			parts = append(parts, m.start, m.end, m.offset/page)
			names = append(append(names, strings.TrimSuffix(exe, " (deleted)")...), 0)
		}
	}
	files := pack(nil, []uint64{uint64(len(parts) / 3), page}, parts)

	var b []byte
	b = note(b, noteStatus, status)
	b = note(b, noteInfo, info)
	b = note(b, noteAuxv, auxv)
	return note(b, noteFile, append(files, names...)), nil
}

// note appends a note of the owner CORE, padded to four bytes.
func note(b []byte, kind uint32, content []byte) []byte {
	b = pack(b, []uint32{5, uint32(len(content)), kind})
	b = append(b, "CORE\x00\x00\x00\x00"...)
	b = append(b, content...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

// pack appends values of fixed size, little-endian.
func pack(b []byte, values ...any) []byte {
	var buf bytes.Buffer
	for _, v := range values {
		// It writes types of a fixed size into memory, so it cannot fail.
		_ = binary.Write(&buf, binary.LittleEndian, v)
	}
	return append(b, buf.Bytes()...)
}
