package corefile

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// BuildOf identifies the build of an executable. It returns the build ID that Go's linker has put into
// the file, which the command strip leaves there. If the program was built without one, it returns a
// hash of the file.
func BuildOf(program string) (string, error) {
	f, err := os.Open(program)
	if err != nil {
		return "", fmt.Errorf("identify program: %w", err)
	}
	defer f.Close()
	file, err := elf.NewFile(f)
	if err != nil {
		return "", fmt.Errorf("identify program: %s is not an executable of Linux: %w", program, err)
	}
	for _, p := range file.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz > maxNotes {
			continue
		}
		notes, err := io.ReadAll(p.Open())
		if err != nil {
			return "", fmt.Errorf("identify program: %w", err)
		}
		if id := goBuildID(notes, file.ByteOrder); id != "" {
			return "go " + id, nil
		}
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", fmt.Errorf("identify program: %w", err)
	}
	return "sha256 " + hex.EncodeToString(hash.Sum(nil)), nil
}

const (
	maxNotes    = 1 << 20
	noteBuildID = 4 // of the owner "Go"
)

// goBuildID finds the build ID among the notes of an executable. A note begins with the length of its
// owner's name, the length of its content, and its type. Then come the name and the content, each padded
// to four bytes.
func goBuildID(notes []byte, order binary.ByteOrder) string {
	for len(notes) >= 12 {
		owner, content, kind := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:])), order.Uint32(notes[8:])
		notes = notes[12:]
		padded := (owner + 3) &^ 3
		if padded+content > uint64(len(notes)) {
			return ""
		}
		if kind == noteBuildID && bytes.Equal(bytes.TrimRight(notes[:owner], "\x00"), []byte("Go")) {
			return string(notes[padded : padded+content])
		}
		notes = notes[min(padded+(content+3)&^3, uint64(len(notes))):]
	}
	return ""
}
