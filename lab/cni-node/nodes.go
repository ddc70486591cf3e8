package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"

// node is the range of its pods' addresses, and its own address.
type node struct{ podCIDR, address string }

// apiNode is a Node of the API, as far as it is read.
type apiNode struct {
	Metadata struct{ Name string }
	Spec     struct{ PodCIDR string }
	Status   struct {
		Addresses []struct{ Type, Address string }
	}
}

// watchNodes tells of the nodes at once, and again whenever one of them changes, until ctx ends.
func watchNodes(ctx context.Context, master string, tell func(map[string]node)) error {
	ca, err := os.ReadFile(serviceAccount + "ca.crt")
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for ctx.Err() == nil {
		// An API server that does not answer leaves the routes as they are.
		if err := follow(ctx, client, master, tell); err != nil && ctx.Err() == nil {
			log.Print(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return ctx.Err()
}

// follow lists the nodes and follows their changes until the API server ends the watch.
func follow(ctx context.Context, client *http.Client, master string, tell func(map[string]node)) error {
	response, err := get(ctx, client, master+"/api/v1/nodes")
	if err != nil {
		return err
	}
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []apiNode
	}
	err = json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil {
		return err
	}
	nodes := map[string]node{}
	for _, item := range list.Items {
		nodes[item.Metadata.Name] = item.node()
	}
	tell(nodes)
	response, err = get(ctx, client, master+"/api/v1/nodes?watch=true&timeoutSeconds=300&resourceVersion="+list.Metadata.ResourceVersion)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object apiNode
		}
		if err := decoder.Decode(&event); err != nil {
			return nil // the end of the watch
		}
		name := event.Object.Metadata.Name
		switch event.Type {
		case "ADDED", "MODIFIED":
			nodes[name] = event.Object.node()
		case "DELETED":
			delete(nodes, name)
		default:
			return fmt.Errorf("the watch of nodes ended with %s", event.Type)
		}
		tell(nodes)
	}
}

func (n apiNode) node() node {
	found := node{podCIDR: n.Spec.PodCIDR}
	for _, address := range n.Status.Addresses {
		if address.Type == "InternalIP" && found.address == "" {
			found.address = address.Address
		}
	}
	return found
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	// The kubelet renews the file.
	token, err := os.ReadFile(serviceAccount + "token")
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return response, nil
}
