package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"knative-edge.lab/weight"
)

const (
	// The names in a join token by which k0s tells a worker's from a controller's (pkg/token/kubeconfig.go).
	tokenContext = "k0s"
	workerUser   = "kubelet-bootstrap"
	// bootstrapAttempts is how often k0s tries before it ends, and systemd starts it again.
	bootstrapAttempts = 10
)

func workerCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker [join-token]",
		Short: "Run worker",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			tokenFile, _ := cmd.Flags().GetString("token-file")
			if len(args) > 0 && tokenFile != "" {
				return errors.New("you can only pass one token argument either as a CLI argument 'k0s worker [token]' or as a flag 'k0s worker --token-file [path]'")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return runJoined(ctx, newVars(cmd), readWorkerOptions(cmd), func() (*clientConfig, error) {
				switch {
				case len(args) > 0:
					return readJoinToken(args[0])
				case tokenFile != "":
					return readTokenFile(tokenFile)
				default:
					return nil, errors.New("neither regular nor bootstrap kubeconfig files exist and no join token given; dunno how to make kubelet authenticate to API server")
				}
			})
		},
	}
	addPersistentFlags(cmd)
	addWorkerFlags(cmd)
	return cmd
}

// joinedCluster is what a worker knows of the cluster that it joined.
type joinedCluster struct{ ca []byte }

// runJoined is the daemon of a worker: it gets its credentials, then its configuration, and stays until ctx ends.
func runJoined(ctx context.Context, vars Vars, opts workerOptions, token func() (*clientConfig, error)) error {
	hostname, err := opts.nodeName()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(vars.DataDir, 0o755); err != nil {
		return err
	}
	release, err := lockRuntime(vars, nil)
	if err != nil {
		return err
	}
	defer release()
	slog.Info("starting k0s", "version", version, "node", hostname, "role", "worker")
	if err := weight.Carry(weight.K0s); err != nil {
		return err
	}
	err = bootstrapKubelet(ctx, vars, hostname, token)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to bootstrap kubelet client configuration: %w", err)
	}
	client, ca, err := loadKubeletConfig(vars)
	if err != nil {
		return err
	}
	opts.joined = &joinedCluster{ca: ca}
	config, err := loadWorkerConfig(ctx, client, opts.profile)
	if err != nil {
		return fmt.Errorf("failed to load worker profile %s: %w", opts.profile, err)
	}
	n := &node{vars: vars, config: config}
	defer n.stop()
	started := make(chan struct{})
	close(started)
	if err := serveStatus(ctx, vars, Status{Role: "worker"}, started, client.ready); err != nil {
		return err
	}
	wait, err := refuseServicesUntilSynced(ctx, config.Spec.Network.ServiceCIDR)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(wait)
	group.Go(func() error { return runWorker(ctx, n, hostname, opts) })
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		slog.Info("stopping k0s")
		return nil
	}
	return err
}

// bootstrapKubelet gives the kubelet a certificate of its own, unless it has one: a token that was used is not looked at
// again (BootstrapKubeletClientConfig in pkg/component/worker/utils.go).
func bootstrapKubelet(ctx context.Context, vars Vars, node string, token func() (*clientConfig, error)) error {
	if _, err := os.Stat(vars.KubeletAuthConfigPath); err == nil {
		return nil
	}
	config, err := token()
	if err != nil {
		return fmt.Errorf("failed to get bootstrap kubeconfig: %w", err)
	}
	server, ca, user, err := config.parts()
	if err != nil {
		return err
	}
	client := clientOf(server, ca, nil)
	client.token = user.Token
	for attempt := 1; ; attempt++ {
		pair, err := requestClientCertificate(ctx, client, node)
		if err == nil {
			slog.Info("Successfully bootstrapped client configuration")
			return writeFile(vars.KubeletAuthConfigPath, kubeconfig(server, ca, pair), 0o600, 0)
		}
		if attempt == bootstrapAttempts {
			return fmt.Errorf("failed to bootstrap client configuration: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

// certificateRequest is the part of a CertificateSigningRequest that the double reads or writes.
type certificateRequest struct {
	APIVersion string         `json:"apiVersion,omitempty"`
	Kind       string         `json:"kind,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	Spec       struct {
		Request    []byte   `json:"request"`
		SignerName string   `json:"signerName"`
		Usages     []string `json:"usages"`
		Username   string   `json:"username,omitempty"`
	} `json:"spec"`
	Status struct {
		Conditions  []map[string]any `json:"conditions,omitempty"`
		Certificate []byte           `json:"certificate,omitempty"`
	} `json:"status"`
}

// requestClientCertificate asks the cluster for the certificate of a kubelet, and waits until it is signed.
func requestClientCertificate(ctx context.Context, client *apiClient, node string) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	subject := pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		return keyPair{}, err
	}
	wanted := certificateRequest{
		APIVersion: "certificates.k8s.io/v1", Kind: "CertificateSigningRequest",
		Metadata: map[string]any{"generateName": "node-csr-"},
	}
	wanted.Spec.Request = encodePEM("CERTIFICATE REQUEST", der)
	wanted.Spec.SignerName = "kubernetes.io/kube-apiserver-client-kubelet"
	wanted.Spec.Usages = []string{"digital signature", "client auth"}
	body, err := json.Marshal(wanted)
	if err != nil {
		return keyPair{}, err
	}
	data, err := client.do(ctx, http.MethodPost, requests, "application/json", body)
	if err != nil {
		return keyPair{}, err
	}
	var made certificateRequest
	if err := json.Unmarshal(data, &made); err != nil {
		return keyPair{}, err
	}
	signing, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = retry(signing, 200*time.Millisecond, func(ctx context.Context) error {
		data, err := client.do(ctx, http.MethodGet, fmt.Sprint(requests, "/", made.Metadata["name"]), "", nil)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &made); err != nil {
			return err
		}
		if len(made.Status.Certificate) == 0 {
			return errors.New("the certificate is not signed yet")
		}
		return nil
	})
	if err != nil {
		return keyPair{}, err
	}
	keyPEM, err := encodeKey(key)
	return keyPair{cert: made.Status.Certificate, key: keyPEM}, err
}

// loadKubeletConfig is a client with the kubelet's credentials, and the cluster's CA.
func loadKubeletConfig(vars Vars) (*apiClient, []byte, error) {
	data, err := os.ReadFile(vars.KubeletAuthConfigPath)
	if err != nil {
		return nil, nil, err
	}
	var config clientConfig
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, nil, err
	}
	server, ca, user, err := config.parts()
	if err != nil {
		return nil, nil, err
	}
	cert, err := tls.X509KeyPair(user.ClientCertificateData, user.ClientKeyData)
	if err != nil {
		return nil, nil, err
	}
	return clientOf(server, ca, []tls.Certificate{cert}), ca, nil
}

// workerConfig is what workers need of k0s.yaml: k0s has it in the ConfigMaps worker-config-<profile>-<minor>.
func (c *ClusterConfig) workerConfig() *ClusterSpec {
	return &ClusterSpec{Network: c.Spec.Network, Images: c.Spec.Images, WorkerProfiles: c.Spec.WorkerProfiles}
}

// workerConfigMap has its name without the minor release: the double's releases differ in nothing that it holds.
const workerConfigMap = "/api/v1/namespaces/kube-system/configmaps/worker-config-default"

// loadWorkerConfig tries for ten times, as k0s does, and leaves the rest to systemd.
func loadWorkerConfig(ctx context.Context, client *apiClient, profile string) (*ClusterConfig, error) {
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	config := defaultConfig("kine")
	return config, retry(limited, time.Second, func(ctx context.Context) error {
		data, err := client.do(ctx, http.MethodGet, workerConfigMap, "", nil)
		if err != nil {
			return err
		}
		var configMap struct{ Data map[string]string }
		if err := json.Unmarshal(data, &configMap); err != nil {
			return err
		}
		return json.Unmarshal([]byte(configMap.Data["config"]), config.Spec)
	})
}

// readTokenFile is what k0s says of a token file (loadKubeconfigFromTokenFile in cmd/worker).
func readTokenFile(path string) (*clientConfig, error) {
	data, err := os.ReadFile(path)
	problem := ""
	if errors.Is(err, fs.ErrNotExist) {
		problem = "not found"
	} else if err != nil {
		return nil, fmt.Errorf("failed to read token file: %w", err)
	} else if len(data) == 0 {
		problem = "is empty"
	}
	if problem != "" {
		return nil, fmt.Errorf(`token file %q %s: obtain a new token via "k0s token create ..." and store it in the file or reinstall this node via "k0s install --force ..." or "k0sctl apply --force ..."`, path, problem)
	}
	return readJoinToken(string(data))
}

// clientConfig is a kubeconfig, as far as tokens and kubelets have it.
type clientConfig struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	CurrentContext string         `json:"current-context"`
	Clusters       []namedCluster `json:"clusters"`
	Contexts       []namedContext `json:"contexts"`
	Users          []namedUser    `json:"users"`
}

type namedCluster struct {
	Name    string `json:"name"`
	Cluster struct {
		Server                   string `json:"server"`
		CertificateAuthorityData []byte `json:"certificate-authority-data"`
	} `json:"cluster"`
}

type namedContext struct {
	Name    string `json:"name"`
	Context struct {
		Cluster string `json:"cluster"`
		User    string `json:"user"`
	} `json:"context"`
}

type namedUser struct {
	Name string         `json:"name"`
	User userCredential `json:"user"`
}

type userCredential struct {
	Token                 string `json:"token,omitempty"`
	ClientCertificateData []byte `json:"client-certificate-data,omitempty"`
	ClientKeyData         []byte `json:"client-key-data,omitempty"`
}

// parts are the server, its CA and the user of a configuration that has one of each.
func (c *clientConfig) parts() (server string, ca []byte, user userCredential, err error) {
	if len(c.Clusters) != 1 || len(c.Users) != 1 {
		return "", nil, user, errors.New("a kubeconfig with one cluster and one user was expected")
	}
	cluster := c.Clusters[0].Cluster
	return cluster.Server, cluster.CertificateAuthorityData, c.Users[0].User, nil
}
