package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"

	"knative-edge.lab/k0s/archive"
)

var (
	cniPlugins = []string{"bridge", "host-local", "loopback", "portmap"}
	// optional binaries come from the host where they are not packed.
	optional = []string{"runc"}
)

// stage extracts the named binaries to where they run, side by side, and leaves
// alone those that are there unchanged.
func stage(vars Vars, names ...string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	index, err := archive.Index(executable)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, name := range names {
		file, found := index[name]
		if !found && slices.Contains(optional, name) {
			continue
		}
		if !found {
			return fmt.Errorf("this k0s was packed without %s", name)
		}
		dir := vars.BinDir
		if slices.Contains(cniPlugins, name) {
			dir = cniBinDir
		}
		group.Go(func() error { return stageOne(executable, file, filepath.Join(dir, name)) })
	}
	err = group.Wait()
	// What the decoders took goes back at once: this process shall hold what k0s' own does, which lab/weight adds.
	debug.FreeOSMemory()
	return err
}

func stageOne(executable string, file archive.File, path string) error {
	if current, err := sameFile(path, file); err != nil || current {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := archive.Extract(executable, file, path); err != nil {
		return fmt.Errorf("failed to extract %s: %w", path, err)
	}
	return nil
}

// sameFile compares sizes first, so that a changed file is mostly not read.
func sameFile(path string, file archive.File) (bool, error) {
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || info.Size() != file.Size {
		return false, err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return false, err
	}
	return hex.EncodeToString(hash.Sum(nil)) == file.SHA256, nil
}
