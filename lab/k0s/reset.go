package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func resetCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Uninstall k0s. Must be run with elevated privileges",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			vars := newVars(cmd)
			if locked, err := isLocked(vars); err != nil {
				return err
			} else if locked {
				return fmt.Errorf("%w, please stop k0s before reset", errStillRunning)
			}
			if _, err := vars.nodeConfig(); err != nil {
				return err
			}
			return reset(vars)
		},
	}
	addPersistentFlags(cmd)
	cmd.Flags().StringP("config", "c", "", "config file (default \""+defaultConfigPath+"\")")
	cmd.Flags().String("kubelet-root-dir", "", "Kubelet root directory for k0s")
	cmd.Flags().Bool("debug", false, "Debug logging")
	return cmd
}

// reset takes away what k0s made, as far as the real one does: its
// configuration, the CNI plugins, iptables rules and logs stay. A step that
// fails does not keep the next from running.
func reset(vars Vars) error {
	var errs []error
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"containers steps", func() error { return removeContainers(vars) }},
		{"remove k0s users step", removeUsers},
		{"uninstall service step", uninstallUnits},
		{"remove directories step", func() error { return removeDirectories(vars) }},
		{"CNI leftovers cleanup step", removeCNIConfig},
		{"kube-bridge leftovers cleanup step", removeBridge},
	} {
		slog.Info("* " + step.name)
		if err := step.run(); err != nil {
			errs = append(errs, err)
		}
	}
	slog.Info("k0s cleanup operations done.")
	slog.Warn("To ensure a full reset, a node reboot is recommended.")
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("errors occurred during clean-up: %w", err)
	}
	return nil
}

// removeContainers ends every shim of this k0s and what runs under it. Where
// the real one asks containerd to, this needs none, and none that still starts.
func removeContainers(vars Vars) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		processes, err := containerProcesses(vars)
		if err != nil || len(processes) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot end the containers' processes %v", processes)
		}
		for _, pid := range processes {
			unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// containerProcesses are the descendants of the shims, then the shims: a shim
// that dies first would leave its containers to process 1.
func containerProcesses(vars Vars) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	var shims []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it ended meanwhile
		}
		// The name, in parentheses, may hold blanks; state and parent follow it.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || fields[0][0] == 'Z' {
			continue
		}
		parent, _ := strconv.Atoi(string(fields[1]))
		children[parent] = append(children[parent], pid)
		cmdline, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if isShim(string(cmdline), vars.containerdSocket()) {
			shims = append(shims, pid)
		}
	}
	var found []int
	var descend func(pid int)
	descend = func(pid int) {
		for _, child := range children[pid] {
			if !slices.Contains(shims, child) {
				descend(child)
				found = append(found, child)
			}
		}
	}
	for _, shim := range shims {
		descend(shim)
	}
	return append(found, shims...), nil
}

// isShim looks at a command line (arguments separated by NUL) for a shim of the containerd at socket.
func isShim(cmdline, socket string) bool {
	args := strings.Split(cmdline, "\x00")
	return strings.HasSuffix(args[0], "containerd-shim-runc-v2") && slices.Contains(args, socket)
}

func removeUsers() error {
	var errs []error
	for _, name := range systemUsers {
		if _, err := user.Lookup(name); err != nil {
			continue
		}
		if out, err := exec.Command("userdel", name).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("userdel %s: %w: %s", name, err, bytes.TrimSpace(out)))
		}
	}
	return errors.Join(errs...)
}

// removeDirectories unmounts what is below k0s' directories, and the pods' network namespaces, and removes them.
func removeDirectories(vars Vars) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	dirs := []string{vars.KubeletRootDir, vars.DataDir, vars.RunDir}
	var namespaces []string
	lines := strings.Split(strings.TrimSpace(string(mounts)), "\n")
	for _, line := range slices.Backward(lines) { // the last mounted first
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		below := func(dir string) bool { return strings.HasPrefix(point, dir+"/") }
		isNamespace := strings.HasPrefix(point, "/run/netns/cni-")
		if !isNamespace && !slices.ContainsFunc(dirs, below) {
			continue
		}
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("cannot unmount %s: %w", point, err)
		}
		if isNamespace {
			namespaces = append(namespaces, point)
		}
	}
	var errs []error
	for _, path := range append(namespaces, dirs...) {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

func removeCNIConfig() error {
	err := os.Remove(filepath.Join(cniConfDir, "10-kuberouter.conflist"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func removeBridge() error {
	if _, err := net.InterfaceByName(bridgeName); err != nil {
		return nil
	}
	if out, err := exec.Command("ip", "link", "delete", bridgeName).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot remove %s: %w: %s", bridgeName, err, bytes.TrimSpace(out))
	}
	return nil
}
