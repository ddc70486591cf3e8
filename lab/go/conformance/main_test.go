//go:build e2e

package conformance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"knative.dev/networking/test"
	pkgtest "knative.dev/pkg/test"
)

// The suite makes its pods beside the services of the cluster, on the same node.
var besideServices = flag.Bool("beside-services", false, "run although the cluster has services besides the sample")

// The sample of a stack, which may be there.
const sample = "default/hello"

// TestMain makes the suite's namespace, and removes it whatever comes of the suite.
func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runIn(test.ServingNamespace, m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 2
	}
	os.Exit(code)
}

func runIn(namespace string, m *testing.M) (int, error) {
	config, err := pkgtest.Flags.GetRESTConfig()
	if err != nil {
		return 0, err
	}
	clients, err := test.NewClientsFromConfig(config, namespace)
	if err != nil {
		return 0, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := refuseOthers(ctx, clients); err != nil {
		return 0, err
	}
	namespaces := clients.KubeClient
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := namespaces.CoreV1().Namespaces().Create(ctx, made, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
		return 0, fmt.Errorf("the namespace %s, in which the suite works, is there already: remove it, if a run left it", namespace)
	} else if err != nil {
		return 0, err
	}
	done := make(chan int, 1)
	go func() { done <- m.Run() }()
	select {
	case code := <-done:
		return code, remove(namespaces, namespace)
	case <-ctx.Done():
		return 130, remove(namespaces, namespace)
	}
}

// refuseOthers returns an error where the cluster has services that the suite's pods could be in the way of.
func refuseOthers(ctx context.Context, clients *test.Clients) error {
	if *besideServices {
		return nil
	}
	services := schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	list, err := clients.Dynamic.Resource(services).List(ctx, metav1.ListOptions{})
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
		return fmt.Errorf("the cluster has services besides the sample (%s), and the suite takes CPU and memory from them: run it there only with --beside-services", strings.Join(others, ", "))
	}
	return nil
}

// remove deletes the namespace, and waits until nothing of it is left.
func remove(client kubernetes.Interface, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("the suite's namespace %s could not be removed: %w", namespace, err)
	}
	return wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}
