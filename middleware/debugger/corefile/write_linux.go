//go:build amd64 || arm64

package corefile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
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

// write makes the file: an ELF header, a program header for the notes and for
// each run of memory, the notes, the memory.
func write(path string, pid int, limit int64) (size int64, err error) {
	proc := "/proc/" + strconv.Itoa(pid)
	page := uint64(os.Getpagesize())
	maps, err := mappings(proc)
	if err != nil {
		return 0, err
	}
	mem, err := os.Open(proc + "/mem")
	if err != nil {
		return 0, fmt.Errorf("read memory of the process (is it dumpable?): %w", err)
	}
	defer mem.Close()
	pagemap, err := os.Open(proc + "/pagemap")
	if err != nil {
		return 0, fmt.Errorf("read page map of the process: %w", err)
	}
	defer pagemap.Close()

	var runs []span
	for _, m := range maps {
		// [vvar] and its like are the kernel's and cannot be read; of a file
		// that is mapped shared, the file is the better source.
		if !m.writable || !m.private || strings.HasPrefix(m.path, "[v") {
			continue
		}
		found, err := resident(pagemap, m.span, page)
		if err != nil {
			return 0, err
		}
		runs = append(runs, found...)
	}
	// The count of program headers is a 16 bit number.
	for before := 0; len(runs) > 60_000 && len(runs) != before; {
		before = len(runs)
		runs = joined(runs)
	}
	if len(runs) > 60_000 {
		return 0, fmt.Errorf("write core: memory in %d pieces, the format has room for 65534", len(runs))
	}
	notes, err := notes(proc, pid, maps, page)
	if err != nil {
		return 0, err
	}

	headers := uint64(64 + 56*(len(runs)+1))
	start := (headers + uint64(len(notes)) + page - 1) / page * page
	total := start
	for _, r := range runs {
		total += r.size()
	}
	if total > uint64(limit) {
		return 0, fmt.Errorf("write core: %d MiB of memory are in use, the limit is %d MiB", total>>20, limit>>20)
	}

	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write core: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(fmt.Errorf("write core: %w", err), os.Remove(path))
		}
	}()
	if _, err := f.Write(header(runs, headers, uint64(len(notes)), start)); err != nil {
		return 0, err
	}
	if _, err := f.Write(notes); err != nil {
		return 0, err
	}
	if _, err := f.Seek(int64(start), io.SeekStart); err != nil {
		return 0, err
	}
	buf := make([]byte, 1<<20)
	for _, r := range runs {
		for at := r.start; at < r.end; {
			part := buf[:min(uint64(len(buf)), r.end-at)]
			if _, err := mem.ReadAt(part, int64(at)); err != nil {
				// Unmapped since the map was read: gone is as good as zero.
				clear(part)
			}
			if _, err := f.Write(part); err != nil {
				return 0, err
			}
			at += uint64(len(part))
		}
	}
	return int64(total), nil
}

// joined halves the number of runs, taking in what lies between neighbours that
// are near each other.
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

// header is the ELF header and the program headers.
func header(runs []span, notesAt, notesSize, memoryAt uint64) []byte {
	machine := elf.EM_X86_64
	if runtime.GOARCH == "arm64" {
		machine = elf.EM_AARCH64
	}
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(runs) + 1),
	}
	copy(h.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)})
	b := pack(nil, h, elf.Prog64{Type: uint32(elf.PT_NOTE), Off: notesAt, Filesz: notesSize})
	for _, r := range runs {
		b = pack(b, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: memoryAt,
			Vaddr: r.start, Filesz: r.size(), Memsz: r.size(), Align: uint64(os.Getpagesize()),
		})
		memoryAt += r.size()
	}
	return b
}

// notes describes the process: one thread, of which nothing is known but that
// it is there, since a goroutine that waits has its registers in memory; and
// the program's file, from which a reader takes code and constants.
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
			// A program that was built anew while it ran is "(deleted)"; its
			// reader is told where the old one lies.
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
		// Into memory, of types of a fixed size: this cannot fail.
		_ = binary.Write(&buf, binary.LittleEndian, v)
	}
	return append(b, buf.Bytes()...)
}
