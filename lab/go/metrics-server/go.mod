module knative-edge.lab/metrics-server

go 1.26
