package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// approveServingCertificates approves what kubelets ask for to serve their own API, one every ten seconds, as k0s does
// (pkg/component/controller/csrapprover.go). The controller manager approves no such request.
func approveServingCertificates(ctx context.Context, api *apiClient) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
		}
		if err := approveNext(ctx, api); err != nil {
			slog.Warn("CSR approval failed", "error", err)
		}
	}
}

func approveNext(ctx context.Context, api *apiClient) error {
	selector := url.QueryEscape("spec.signerName=kubernetes.io/kubelet-serving")
	data, err := api.do(ctx, http.MethodGet, requests+"?fieldSelector="+selector, "", nil)
	if err != nil {
		return err
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		// Whole, because an update must have every field.
		var whole map[string]any
		var request certificateRequest
		if err := json.Unmarshal(item, &request); err != nil {
			return err
		}
		if len(request.Status.Conditions) > 0 || !strings.HasPrefix(request.Spec.Username, "system:node:") {
			continue
		}
		if err := json.Unmarshal(item, &whole); err != nil {
			return err
		}
		whole["apiVersion"], whole["kind"] = "certificates.k8s.io/v1", "CertificateSigningRequest"
		whole["status"] = map[string]any{"conditions": []map[string]any{{
			"type": "Approved", "status": "True", "reason": "Autoapproved by K0s CSRApprover",
			"message": "Auto approving kubelet serving certificate after SubjectAccessReview.",
		}}}
		body, err := json.Marshal(whole)
		if err != nil {
			return err
		}
		path := fmt.Sprint(requests, "/", request.Metadata["name"], "/approval")
		_, err = api.do(ctx, http.MethodPut, path, "application/json", body)
		return err
	}
	return nil
}
