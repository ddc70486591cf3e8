module knative-edge.lab/cni-node

go 1.26
