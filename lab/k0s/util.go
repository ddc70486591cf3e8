package main

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fsnotify/fsnotify"
)

// writeFile replaces a file at once, with its mode and owner set before it has its name.
func writeFile(path string, data []byte, mode os.FileMode, uid int) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once the file is renamed
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(mode); err != nil {
		f.Close()
		return err
	}
	if err := f.Chown(uid, -1); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// userID is the numeric id of a system user, or root's when install has not made that user.
func userID(name string) int {
	u, err := user.Lookup(name)
	if err != nil {
		return 0
	}
	id, err := strconv.Atoi(u.Uid)
	if err != nil {
		return 0
	}
	return id
}

// whenQuiet acts each time that a directory has been quiet for a while after a change, until ctx ends. Directories below it
// are not watched.
func whenQuiet(ctx context.Context, dir string, settle time.Duration, isChange func(fsnotify.Event) bool, act func()) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	if err := watcher.Add(dir); err != nil {
		return err
	}
	go func() {
		defer watcher.Close()
		quiet := time.NewTimer(time.Hour)
		quiet.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-watcher.Events:
				if isChange(event) {
					quiet.Reset(settle)
				}
			case <-quiet.C:
				act()
			}
		}
	}()
	return nil
}
