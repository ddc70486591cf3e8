// Makes the place in a cluster where upstream's conformance suites work, and removes it when its standard input ends or it is
// interrupted: namespaces, and what the repository knative.dev/serving has in test/config/test-resources.yaml.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The sample of a stack, which may be there.
const sample = "default/hello"

// The namespaces of the suites: the defaults of test-namespace and alt-test-namespace.
var namespaces = []string{"serving-tests", "serving-tests-alt"}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file with the cluster's kubeconfig")
	besideServices := flag.Bool("beside-services", false, "make it although the cluster has services besides the sample")
	flag.Parse()
	if err := run(*kubeconfig, *besideServices); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig string, besideServices bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !besideServices {
		if err := refuseOthers(ctx, objects); err != nil {
			return err
		}
	}
	if err := create(ctx, client); err != nil {
		return err
	}
	fmt.Println("ready")
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return remove(client)
}

// refuseOthers returns an error where the cluster has services that the suites' pods could be in the way of.
func refuseOthers(ctx context.Context, client dynamic.Interface) error {
	services := schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	list, err := client.Resource(services).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	others := []string{}
	for _, service := range list.Items {
		if name := service.GetNamespace() + "/" + service.GetName(); name != sample {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("the cluster has services besides the sample (%s), and a suite takes CPU and memory from them: run it there only with --beside-services", strings.Join(others, ", "))
	}
	return nil
}

func create(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range namespaces {
		made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, made, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("the namespace %s, in which a suite works, is there already: remove it, if a run left it", name)
		} else if err != nil {
			return err
		}
	}
	settings := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "conformance-test-configmap"},
		Data:       map[string]string{"testKey": "testValue"},
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "conformance-test-secret"},
		StringData: map[string]string{"testKey": "testValue"},
	}
	if _, err := client.CoreV1().ConfigMaps(namespaces[0]).Create(ctx, settings, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := client.CoreV1().Secrets(namespaces[0]).Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// remove deletes the namespaces, and waits until nothing of them is left.
func remove(client kubernetes.Interface) error {
	// Knative's pods may take 300 s to end.
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	for _, name := range namespaces {
		if err := client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("the namespace %s could not be removed: %w", name, err)
		}
	}
	return wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		for _, name := range namespaces {
			if _, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return false, nil
			}
		}
		return true, nil
	})
}
