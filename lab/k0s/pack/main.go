// Command pack appends component binaries to a k0s executable:
//
//	pack -k0s <plain k0s> -o <packed k0s> <binary>...
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"knative-edge.lab/k0s/archive"
)

func main() {
	k0s := flag.String("k0s", "", "the executable to begin with")
	out := flag.String("o", "", "the executable to write")
	flag.Parse()
	if err := pack(*k0s, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(k0s, outPath string, binaries []string) error {
	tmp := outPath + ".tmp"
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	in, err := os.Open(k0s)
	if err != nil {
		return err
	}
	offset, err := io.Copy(out, in)
	in.Close()
	if err != nil {
		return err
	}
	var files []archive.File
	for _, path := range binaries {
		file, err := appendFile(out, path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		file.Offset = offset
		offset += file.Length
		files = append(files, file)
	}
	if err := archive.WriteIndex(out, files, offset); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, outPath)
}

func appendFile(out io.Writer, path string) (archive.File, error) {
	in, err := os.Open(path)
	if err != nil {
		return archive.File{}, err
	}
	defer in.Close()
	hash, length := sha256.New(), &counter{out: out}
	// The fastest level, because the host unpacks all of it before it is a node.
	encoder, err := zstd.NewWriter(length, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return archive.File{}, err
	}
	size, err := io.Copy(io.MultiWriter(encoder, hash), in)
	if err != nil {
		return archive.File{}, err
	}
	if err := encoder.Close(); err != nil {
		return archive.File{}, err
	}
	return archive.File{
		Name: filepath.Base(path), Length: length.n, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil)),
	}, nil
}

type counter struct {
	out io.Writer
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	c.n += int64(n)
	return n, err
}
