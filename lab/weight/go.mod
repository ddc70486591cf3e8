module knative-edge.lab/weight

go 1.26
