package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// apiClient speaks to the API server: on the controller as its administrator, on a worker by its token or as its kubelet.
// A few kinds of request do not need a client library, whose heap the host would carry.
type apiClient struct {
	url  string
	http *http.Client
	// token of a client without a certificate
	token string
}

func newAPIClient(vars Vars, config *ClusterConfig) (*apiClient, error) {
	cert, err := tls.LoadX509KeyPair(vars.pki("admin.crt"), vars.pki("admin.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(vars.pki("ca.crt"))
	if err != nil {
		return nil, err
	}
	return clientOf(config.Spec.API.localURL(), ca, []tls.Certificate{cert}), nil
}

func clientOf(url string, ca []byte, certificates []tls.Certificate) *apiClient {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &apiClient{
		url: url,
		http: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: certificates, RootCAs: pool}},
		},
	}
}

func (c *apiClient) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(data)))
	}
	return data, nil
}

// ready asks /readyz.
func (c *apiClient) ready(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "/readyz", "", nil)
	return err
}

// nodeCount is the number of nodes.
func (c *apiClient) nodeCount(ctx context.Context) (int, error) {
	data, err := c.do(ctx, http.MethodGet, "/api/v1/nodes", "", nil)
	if err != nil {
		return 0, err
	}
	var list struct{ Items []struct{} }
	err = json.Unmarshal(data, &list)
	return len(list.Items), err
}

// labelNode sets the role that a kubelet may not give itself.
func (c *apiClient) labelNode(ctx context.Context, node string) error {
	const patch = `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true"}}}`
	_, err := c.do(ctx, http.MethodPatch, "/api/v1/nodes/"+node, "application/merge-patch+json", []byte(patch))
	return err
}

// resources of the kinds that the manifests in manifests/ have.
var resources = map[string]string{
	"ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Service": "services",
	"Deployment": "deployments", "DaemonSet": "daemonsets", "APIService": "apiservices",
	"Role": "roles", "RoleBinding": "rolebindings",
	"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
}

// apply puts one object in place by server-side apply, labelled with the stack that it belongs to.
func (c *apiClient) apply(ctx context.Context, document []byte, stack string) error {
	var object struct {
		APIVersion string
		Kind       string
		Metadata   struct{ Name, Namespace string }
	}
	if err := yaml.Unmarshal(document, &object); err != nil {
		return err
	}
	document, err := withStackLabel(document, stack)
	if err != nil {
		return err
	}
	resource, known := resources[object.Kind]
	if !known {
		return fmt.Errorf("apply: kind %q is not in the list of resources", object.Kind)
	}
	path := "/apis/" + object.APIVersion
	if !strings.Contains(object.APIVersion, "/") {
		path = "/api/" + object.APIVersion
	}
	if object.Metadata.Namespace != "" {
		path += "/namespaces/" + object.Metadata.Namespace
	}
	path += "/" + resource + "/" + object.Metadata.Name + "?fieldManager=k0s&force=true"
	_, err = c.do(ctx, http.MethodPatch, path, "application/apply-patch+yaml", document)
	return err
}

// withStackLabel is the document with the label by which k0s finds what belongs to a stack.
func withStackLabel(document []byte, stack string) ([]byte, error) {
	object := map[string]any{}
	if err := yaml.Unmarshal(document, &object); err != nil {
		return nil, err
	}
	metadata, _ := object["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if labels == nil {
		labels = map[string]any{}
		metadata["labels"] = labels
	}
	labels["k0s.k0sproject.io/stack"] = stack
	return yaml.Marshal(object)
}

// retry calls f every interval until it succeeds or ctx ends.
func retry(ctx context.Context, interval time.Duration, f func(context.Context) error) error {
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(interval):
		}
	}
}
