// Package archive is the tail of a self-extracting executable: zstd frames,
// one per file, then a JSON index, then a fixed-size trailer that says where
// the index begins. One frame per file lets files be extracted on their own
// and side by side, so that the first components start before the last ones
// are unpacked.
package archive

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

const magic = "k0s-lab1"

// trailerSize is the length of the trailer in bytes: the index' offset and the magic.
const trailerSize = 8 + len(magic)

// File is one entry of the index. Offset and Length (bytes) locate its frame
// in the executable; Size (bytes) and SHA256 are those of the extracted file.
type File struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// ErrNone says that an executable carries no archive.
var ErrNone = errors.New("this k0s was built without its embedded binaries: build it with packK0s of lab/k0s/pack.ts")

// Index reads the index of the executable at path.
func Index(path string) (map[string]File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	trailer := make([]byte, trailerSize)
	if _, err := f.ReadAt(trailer, end-int64(trailerSize)); err != nil || string(trailer[8:]) != magic {
		return nil, ErrNone
	}
	start := int64(binary.LittleEndian.Uint64(trailer))
	data := make([]byte, end-int64(trailerSize)-start)
	if _, err := f.ReadAt(data, start); err != nil {
		return nil, err
	}
	var files []File
	if err := json.Unmarshal(data, &files); err != nil {
		return nil, fmt.Errorf("the index of %s is damaged: %w", path, err)
	}
	index := make(map[string]File, len(files))
	for _, file := range files {
		index[file.Name] = file
	}
	return index, nil
}

// WriteIndex ends an executable whose frames were written so far: end is the
// current length of out in bytes.
func WriteIndex(out io.Writer, files []File, end int64) error {
	data, err := json.Marshal(files)
	if err != nil {
		return err
	}
	data = binary.LittleEndian.AppendUint64(data, uint64(end))
	_, err = out.Write(append(data, magic...))
	return err
}

// Extract writes the file from the executable to dst with mode 0755, by way of
// a temporary name, so that a running older one is replaced and not overwritten.
func Extract(executable string, file File, dst string) (err error) {
	in, err := os.Open(executable)
	if err != nil {
		return err
	}
	defer in.Close()
	reader, err := zstd.NewReader(io.NewSectionReader(in, file.Offset, file.Length), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer reader.Close()
	out, err := os.CreateTemp(filepath.Dir(dst), "."+file.Name+".tmp.*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	if _, err = io.Copy(out, reader); err != nil {
		return errors.Join(err, out.Close())
	}
	if err = errors.Join(out.Chmod(0o755), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), dst)
}
