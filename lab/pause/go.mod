module knative-edge.lab/pause

go 1.26
