package staticfiles

import (
	"archive/zip"
	"io/fs"
	"strconv"
)

// identity distinguishes the contents of a name without reading them. Files with equal identities
// are assumed to be the same.
type identity struct {
	size  int64
	mtime int64 // nanoseconds since 1970, 0 if unknown
	inode uint64
	sum   uint32 // of the content, if a zip file has it
}

func identityOf(info fs.FileInfo) identity {
	id := identity{size: info.Size(), inode: inode(info)}
	if t := info.ModTime(); !t.IsZero() {
		id.mtime = t.UnixNano()
	}
	if h, ok := info.Sys().(*zip.FileHeader); ok {
		id.sum = h.CRC32
	}
	return id
}

// dated reports whether the time of the last change has a meaning. Embedded
// files have no date, and build systems with reproducible builds set all files
// to the first second of 1970.
func (id identity) dated() bool { return id.mtime >= 2e9 }

// tag returns an entity tag, quoted, or "" if it would need the content, because there is neither a
// date nor a sum.
func (id identity) tag() string {
	if !id.dated() && id.sum == 0 {
		return ""
	}
	b := make([]byte, 0, 48)
	b = append(b, '"')
	b = strconv.AppendInt(b, id.size, 16)
	if id.sum != 0 {
		b = append(b, '-', 'z')
		b = strconv.AppendUint(b, uint64(id.sum), 16)
	} else {
		b = append(b, '-')
		b = strconv.AppendInt(b, id.mtime, 16)
		b = append(b, '-')
		b = strconv.AppendUint(b, id.inode, 16)
	}
	return string(append(b, '"'))
}
