module knative-edge.lab/hello

go 1.26
