package archive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	plain := []byte("#!/bin/sh\nthe executable\n")
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("component "), 1000)
	frame := encoder.EncodeAll(content, nil)
	file := File{Name: "kubelet", Offset: int64(len(plain)), Length: int64(len(frame)), Size: int64(len(content))}
	var packed bytes.Buffer
	packed.Write(plain)
	packed.Write(frame)
	if err := WriteIndex(&packed, []File{file}, int64(packed.Len())); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "k0s")
	if err := os.WriteFile(path, packed.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	index, err := Index(path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "kubelet")
	if err := Extract(path, index["kubelet"], out); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, content) {
		t.Errorf("extracted %d bytes, %v; want the %d packed ones", len(got), err, len(content))
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v; want 0755", info.Mode(), err)
	}
}

func TestNoArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k0s")
	if err := os.WriteFile(path, []byte("short"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Index(path); !errors.Is(err, ErrNone) {
		t.Errorf("Index of a plain executable: %v, want ErrNone", err)
	}
}
