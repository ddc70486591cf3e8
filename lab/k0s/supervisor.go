package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	restartDelay = 5 * time.Second
	stopTimeout  = 10 * time.Second
)

// supervised keeps one component running: it starts it again when it ends, and
// ends it on Stop. Its process id is kept in <run-dir>/<name>.pid, so that a
// k0s that was killed finds, and ends, what it left.
type supervised struct {
	name string
	path string
	args []string
	uid  int // 0: root

	vars   Vars
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs the component until stop. Its first start fails only when a
// process left by a killed k0s cannot be ended.
func (s *supervised) start() error {
	if err := s.endLeftOver(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		for {
			err := s.runOnce(ctx)
			if ctx.Err() != nil {
				return
			}
			slog.Warn("component ended, restarting it in "+restartDelay.String(), "component", s.name, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(restartDelay):
			}
		}
	}()
	return nil
}

// stop ends the component with SIGTERM, and with SIGKILL when it takes more than stopTimeout.
func (s *supervised) stop() {
	if s.cancel == nil {
		return
	}
	slog.Info("stopping", "component", s.name)
	s.cancel()
	<-s.done
}

func (s *supervised) runOnce(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.path, s.args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	cmd.Dir = s.vars.DataDir
	cmd.Env = componentEnv(os.Environ(), s.name, s.vars.BinDir)
	// An own process group, so that a Ctrl-C on k0s in a terminal reaches k0s alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.uid), NoSetGroups: true}
	}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		return err
	}
	slog.Info("started", "component", s.name, "pid", cmd.Process.Pid)
	go logLines(s.name, out)
	if err := os.WriteFile(s.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		slog.Warn("cannot note the process id", "component", s.name, "error", err)
	}
	err = cmd.Wait()
	os.Remove(s.pidFile())
	return err
}

// componentEnv is k0s' environment as a component gets it: a variable that begins with the component's name in capitals
// and `_` loses that prefix and wins over the one without, as CONTAINERD_HTTPS_PROXY does. The name keeps its hyphens,
// which systemd takes in no variable's name: so of the components, only kine, containerd and kubelet can be told apart.
func componentEnv(environ []string, component, binDir string) []string {
	prefix := strings.ToUpper(component) + "_"
	own := map[string]bool{}
	env := []string{"_K0S_MANAGED=yes"}
	add := func(name, value string) {
		if name == "PATH" {
			value = binDir + ":" + value
		}
		env = append(env, name+"="+value)
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if name, found := strings.CutPrefix(name, prefix); found {
			own[name] = true
			add(name, value)
		}
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !own[name] && !strings.HasPrefix(name, prefix) {
			add(name, value)
		}
	}
	return env
}

// signal sends a signal to the component's process, if one runs.
func (s *supervised) signal(signal unix.Signal) error {
	data, err := os.ReadFile(s.pidFile())
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || !s.runsAs(pid) {
		return errors.New(s.name + " does not run")
	}
	return unix.Kill(pid, signal)
}

func (s *supervised) pidFile() string { return filepath.Join(s.vars.RunDir, s.name+".pid") }

// endLeftOver ends the component's process of an earlier k0s, if there is one.
func (s *supervised) endLeftOver() error {
	data, err := os.ReadFile(s.pidFile())
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return nil
	}
	if !s.runsAs(pid) {
		return nil
	}
	slog.Warn("ending a process that an earlier k0s left", "component", s.name, "pid", pid)
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		unix.Kill(pid, signal)
		for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if !s.runsAs(pid) {
				return nil
			}
		}
	}
	return errors.New(s.name + ": cannot end process " + strconv.Itoa(pid) + " that an earlier k0s left")
}

// runsAs tells whether pid runs this component, also when its file was replaced since.
func (s *supervised) runsAs(pid int) bool {
	executable, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && strings.TrimSuffix(executable, " (deleted)") == s.path
}

func logLines(component string, r io.Reader) {
	reader := bufio.NewReader(r)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimRight(line, "\n"); line != "" {
			slog.Info(line, "component", component)
		}
		if err != nil {
			return
		}
	}
}
