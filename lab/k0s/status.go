package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Status is what a running k0s says of itself.
type Status struct {
	Version                     string
	Pid                         int
	PPid                        int
	Role                        string
	SysInit                     string
	StubFile                    string
	Output                      string
	Workloads                   bool
	SingleNode                  bool
	Args                        []string
	WorkerToAPIConnectionStatus ProbeStatus
	ClusterConfig               *ClusterConfig
	K0sVars                     Vars
}

type ProbeStatus struct {
	Message string
	Success bool
}

// serveStatus answers on the status socket until ctx ends. probe asks the API server. Like k0s, it takes a question as soon
// as the API server is ready and keeps it until the worker has its credentials, at most five minutes
// (buildWorkerSideKubeAPIClient in pkg/component/status of v1.34.10): here, until started is closed.
func serveStatus(ctx context.Context, vars Vars, known Status, started <-chan struct{}, probe func(context.Context) error) error {
	if err := os.MkdirAll(filepath.Dir(vars.StatusSocketPath), 0o755); err != nil {
		return err
	}
	os.Remove(vars.StatusSocketPath) // of a k0s that was killed
	listener, err := net.Listen("unix", vars.StatusSocketPath)
	if err != nil {
		return err
	}
	if err := os.Chmod(vars.StatusSocketPath, 0o600); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		status := known
		status.Version, status.Pid, status.PPid = version, os.Getpid(), os.Getppid()
		status.Workloads, status.Args, status.K0sVars = true, os.Args, vars
		if service, err := installedService(); err == nil {
			status.SysInit, status.StubFile = "linux-systemd", unitPath(service)
		}
		waiting, cancel := context.WithTimeout(r.Context(), 5*time.Minute)
		defer cancel()
		select {
		case <-started:
		case <-waiting.Done():
		}
		if err := probe(r.Context()); err != nil {
			status.WorkerToAPIConnectionStatus.Message = err.Error()
		} else {
			status.WorkerToAPIConnectionStatus.Success = true
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(status)
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	context.AfterFunc(ctx, func() { server.Close() })
	return nil
}

func statusCmd() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Get k0s instance status information",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := fetchStatus(runtimeVars(newVars(cmd)).StatusSocketPath)
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), status, output)
		},
	}
	cmd.Flags().StringVarP(&output, "out", "o", "", "sets type of output to json or yaml")
	cmd.Flags().String("status-socket", "", "Full file path to the socket file. (default: <rundir>/status.sock)")
	return cmd
}

func fetchStatus(socket string) (*Status, error) {
	failed := func(err error) error { return fmt.Errorf("status: can't get \"status\" via %q: %w", socket, err) }
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	response, err := client.Get("http://localhost/status")
	if err != nil {
		return nil, failed(err)
	}
	defer response.Body.Close()
	status := new(Status)
	if err := json.NewDecoder(response.Body).Decode(status); err != nil {
		return nil, failed(err)
	}
	return status, nil
}

func printStatus(w io.Writer, s *Status, output string) error {
	switch output {
	case "json":
		data, err := json.MarshalIndent(s, "", "   ")
		if err != nil {
			return err
		}
		fmt.Fprintln(w, string(data))
	case "yaml":
		data, err := yaml.Marshal(s)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, string(data))
	default:
		fmt.Fprintln(w, "Version:", s.Version)
		fmt.Fprintln(w, "Process ID:", s.Pid)
		fmt.Fprintln(w, "Role:", s.Role)
		fmt.Fprintln(w, "Workloads:", s.Workloads)
		fmt.Fprintln(w, "SingleNode:", s.SingleNode)
		fmt.Fprintln(w, "Kube-api probing successful:", s.WorkerToAPIConnectionStatus.Success)
		fmt.Fprintln(w, "Kube-api probing last error: ", s.WorkerToAPIConnectionStatus.Message)
		if s.SysInit != "" {
			fmt.Fprintln(w, "Init System:", s.SysInit)
			fmt.Fprintln(w, "Service file:", s.StubFile)
		}
	}
	return nil
}
