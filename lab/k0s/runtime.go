package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	"sigs.k8s.io/yaml"
)

// runtimeConfig is what a running k0s leaves for its other commands.
type runtimeConfig struct {
	NodeConfig *ClusterConfig `json:"nodeConfig"`
	Vars       Vars           `json:"k0sVars"`
	Pid        int            `json:"pid"`
}

var errStillRunning = errors.New("another k0s process is still running")

// runtimeVars are the paths of the k0s that runs, or vars when none does.
func runtimeVars(vars Vars) Vars {
	data, err := os.ReadFile(vars.RuntimeConfigPath)
	if err != nil {
		return vars
	}
	var running runtimeConfig
	if locked, err := isLocked(vars); err != nil || !locked || yaml.Unmarshal(data, &running) != nil {
		return vars
	}
	return running.Vars
}

// lockRuntime takes the lock of the one k0s of this host and leaves its
// runtime configuration. The lock goes with the process.
func lockRuntime(vars Vars, config *ClusterConfig) (release func(), err error) {
	if err := os.MkdirAll(vars.RunDir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(vars.RuntimeConfigPath+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(errStillRunning, lock.Close())
	}
	data, err := yaml.Marshal(runtimeConfig{NodeConfig: config, Vars: vars, Pid: os.Getpid()})
	if err != nil {
		return nil, err
	}
	if err := writeFile(vars.RuntimeConfigPath, data, 0o600, 0); err != nil {
		return nil, err
	}
	return func() {
		os.Remove(vars.RuntimeConfigPath)
		lock.Close()
	}, nil
}

func isLocked(vars Vars) (bool, error) {
	lock, err := os.OpenFile(filepath.Clean(vars.RuntimeConfigPath+".lock"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	return unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil, nil
}
