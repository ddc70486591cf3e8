package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"
)

const (
	managedFileMark  = "# k0s_managed=true"
	criPlugin        = "io.containerd.grpc.v1.cri"
	capSysResource   = 24 // linux/capability.h
	dropInSettleTime = 3 * time.Second
)

func (n *node) startContainerd(ctx context.Context) error {
	if err := os.MkdirAll(containerdImports, 0o755); err != nil {
		return err
	}
	if err := n.writeContainerdConfig(); err != nil {
		return err
	}
	if err := n.run("containerd", 0, containerdArgs(n.vars, "info")); err != nil {
		return err
	}
	return retry(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		return n.vars.ctr(ctx, "version").Run()
	})
}

func (n *node) writeContainerdConfig() error {
	text, err := containerdConfigText(n.config.Spec.Images.Pause.URI(), hasCapability(capSysResource), containerdImports)
	if err != nil {
		return err
	}
	return writeManaged(containerdConfig, text)
}

func containerdArgs(vars Vars, logLevel string) []string {
	return []string{
		"--root=" + filepath.Join(vars.DataDir, "containerd"),
		"--state=" + filepath.Join(vars.RunDir, "containerd"),
		"--address=" + vars.containerdSocket(),
		"--log-level=" + logLevel,
		"--config=" + containerdConfig,
	}
}

// ctr is a call of containerd's client in the namespace of Kubernetes.
func (v Vars) ctr(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, v.bin("ctr"), append([]string{"--address", v.containerdSocket(), "--namespace", "k8s.io"}, args...)...)
}

// containerdConfigText is containerd.toml, version 2 as containerd 1.7 of k0s 1.34 reads it; a drop-in of version 3 stops
// containerd. Without CAP_SYS_RESOURCE no container could get the OOM score that Kubernetes asks for, and none would start.
//
// Like k0s (handleImports in pkg/component/worker/containerd/configurer.go of v1.34), it merges what drop-ins say of the
// CRI plugin with its own, because containerd would take the last file's settings of a plugin alone. Other drop-ins are
// imported as they are.
func containerdConfigText(pauseImage string, sysResource bool, dropIns string) (string, error) {
	cri := map[string]any{
		"sandbox_image":          pauseImage,
		"restrict_oom_score_adj": !sysResource,
		"cni":                    map[string]any{"bin_dir": cniBinDir, "conf_dir": cniConfDir},
	}
	files, err := filepath.Glob(filepath.Join(dropIns, "*.toml"))
	if err != nil {
		return "", err
	}
	imports := []string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		var content struct {
			Plugins map[string]map[string]any `toml:"plugins"`
		}
		if err := toml.Unmarshal(data, &content); err != nil {
			return "", fmt.Errorf("failed to parse TOML in %s: %w", file, err)
		}
		if own, found := content.Plugins[criPlugin]; found {
			merge(cri, own)
		} else {
			imports = append(imports, file)
		}
	}
	text, err := toml.Marshal(map[string]any{
		"version": 2,
		"imports": imports,
		"plugins": map[string]any{criPlugin: cri},
	})
	return fmt.Sprintf(`%s
# This file is written by k0s at each start. To keep your own, remove the line above;
# to add to it, put files into %s.
%s`, managedFileMark, dropIns, text), err
}

// watchDropIns restarts containerd when its drop-ins have been quiet for a while after a change, as k0s does
// (watchDropinConfigs in pkg/component/worker/containerd/component.go): by SIGHUP, which ends containerd, so that the
// supervisor starts it again. Files in folders below are not watched.
func (n *node) watchDropIns(ctx context.Context) error {
	isChange := func(event fsnotify.Event) bool { return !event.Has(fsnotify.Chmod) }
	return whenQuiet(ctx, containerdImports, dropInSettleTime, isChange, n.restartContainerd)
}

func (n *node) restartContainerd() {
	slog.Info("restart requested", "component", "containerd")
	if err := n.writeContainerdConfig(); err != nil {
		slog.Warn("failed to resolve config", "component", "containerd", "error", err)
		return
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, s := range n.running {
		if s.name == "containerd" {
			if err := s.signal(syscall.SIGHUP); err != nil {
				slog.Error("failed to send SIGHUP", "component", "containerd", "error", err)
			}
		}
	}
}

// writeManaged writes a file unless an administrator made it his own by taking away the mark.
func writeManaged(path, text string) error {
	current, err := os.ReadFile(path)
	if err == nil && !strings.HasPrefix(string(current), managedFileMark) {
		slog.Info("left alone, because it lacks the mark "+managedFileMark, "file", path)
		return nil
	}
	return writeFile(path, []byte(text), 0o644, 0)
}

// hasCapability tells whether this process may hand on a capability.
func hasCapability(number int) bool {
	value, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(number), 0, 0, 0)
	return err == nil && value == 1
}
