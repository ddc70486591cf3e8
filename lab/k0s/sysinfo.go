package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/yaml"
)

// probe is one line of sysinfo. Category: pass, warning, rejected or error.
type probe struct {
	Path        []string `json:"path"`
	DisplayName string   `json:"displayName"`
	Prop        string   `json:"prop"`
	Message     string   `json:"message"`
	Category    string   `json:"category"`
	Error       any      `json:"error"`
}

func sysinfoCmd() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "sysinfo", Short: "Display system information", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dataDir, err := cmd.Flags().GetString("data-dir")
			if err != nil {
				return err
			}
			probes := sysinfo(dataDir)
			if err := printProbes(cmd.OutOrStdout(), probes, output); err != nil {
				return err
			}
			for _, p := range probes {
				if p.Category == "rejected" || p.Category == "error" {
					return errors.New("sysinfo failed")
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "Output format (valid values: text, json, yaml)")
	cmd.Flags().String("data-dir", "/var/lib/k0s", "Data Directory for k0s")
	cmd.Flags().Bool("controller", true, "Include controller-specific sysinfo")
	cmd.Flags().Bool("worker", true, "Include worker-specific sysinfo")
	return cmd
}

func printProbes(w io.Writer, probes []probe, output string) error {
	switch output {
	case "text":
		for _, p := range probes {
			message := p.Category
			if p.Message != "" {
				message += ": " + p.Message
			}
			fmt.Fprintf(w, "%s%s: %s (%s)\n", strings.Repeat("  ", len(p.Path)-1), p.DisplayName, p.Prop, message)
		}
		return nil
	case "json":
		data, err := json.MarshalIndent(probes, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	case "yaml":
		data, err := yaml.Marshal(probes)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	default:
		return fmt.Errorf("unknown output format: %q", output)
	}
}

// sysinfo measures what the real one's pre-flight measures first: the rest of
// its probes look for kernel options that the lab's host shares with the machine.
func sysinfo(dataDir string) []probe {
	var probes []probe
	add := func(path, name, prop, category, message string) {
		probes = append(probes, probe{Path: strings.Split(path, "/"), DisplayName: name, Prop: prop, Category: category, Message: message})
	}
	if memory, err := readNumbers("/proc/meminfo", ":", "MemTotal"); err != nil {
		add("memory", "Total memory", "", "error", err.Error())
	} else if gib := memory["MemTotal"] / (1 << 20); gib < 1 {
		add("memory", "Total memory", fmt.Sprintf("%.1f GiB", gib), "warning", "1.0 GiB recommended")
	} else {
		add("memory", "Total memory", fmt.Sprintf("%.1f GiB", gib), "pass", "")
	}
	addDisk(add, dataDir)
	if addresses, err := net.LookupHost("localhost"); err != nil {
		add("localhost", "Name resolution: localhost", "", "rejected", err.Error())
	} else {
		add("localhost", "Name resolution: localhost", fmt.Sprint(addresses), "pass", "")
	}
	add("os", "Operating system", "Linux", "pass", "")
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		add("os/kernel", "Linux kernel release", unix.ByteSliceToString(uts.Release[:]), "pass", "")
	}
	add("os/arch", "Architecture", runtime.GOARCH, "pass", "")
	for _, name := range []string{"modprobe", "mount", "umount", "iptables"} {
		if path, err := exec.LookPath(name); err == nil {
			add("os/"+name, "Executable in PATH: "+name, path, "pass", "")
		} else {
			add("os/"+name, "Executable in PATH: "+name, "", "warning", "not found")
		}
	}
	addCgroups(add)
	return probes
}

func addDisk(add func(path, name, prop, category, message string), dataDir string) {
	// The first directory of the path that is there holds what will be made below it.
	for dir := dataDir; ; dir = dir[:max(1, strings.LastIndexByte(dir, '/'))] {
		var stat unix.Statfs_t
		err := unix.Statfs(dir, &stat)
		if errors.Is(err, unix.ENOENT) && dir != "/" {
			continue
		}
		if err != nil {
			add("disk", "Disk space available for "+dataDir, "", "error", err.Error())
			return
		}
		free := float64(stat.Bavail) * float64(stat.Bsize) / (1 << 30)
		percent := 100 * float64(stat.Bavail) / float64(max(1, stat.Blocks))
		category, message := "pass", ""
		if free < 1.8 {
			category, message = "warning", "1.8 GiB recommended"
		}
		add("disk", "Disk space available for "+dataDir, fmt.Sprintf("%.1f GiB", free), category, message)
		category, message = "pass", ""
		if percent < 15 {
			category, message = "warning", "15% recommended"
		}
		add("diskRelative", "Relative disk space available for "+dataDir, fmt.Sprintf("%.0f%%", percent), category, message)
		return
	}
}

func addCgroups(add func(path, name, prop, category, message string)) {
	name, path := "version 2", "/sys/fs/cgroup/cgroup.controllers"
	if _, err := os.Stat(path); err != nil {
		name, path = "version 1", "/proc/cgroups"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		add("os/cgroups", "Control Groups", "", "rejected", err.Error())
		return
	}
	add("os/cgroups", "Control Groups", name, "pass", "")
	for _, controller := range []string{"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "pids"} {
		// With version 2 some of these are part of the kernel and not listed.
		implied := name == "version 2" && (controller == "cpuacct" || controller == "devices" || controller == "freezer")
		if implied || hasWord(string(data), controller) {
			add("os/cgroups/"+controller, "cgroup controller \""+controller+"\"", "available", "pass", "")
		} else {
			add("os/cgroups/"+controller, "cgroup controller \""+controller+"\"", "unavailable", "rejected", "")
		}
	}
}

func hasWord(text, word string) bool {
	for field := range strings.FieldsSeq(text) {
		if field == word {
			return true
		}
	}
	return false
}
