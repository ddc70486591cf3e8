module knative-edge.lab/cni-node

go 1.26

require knative-edge.lab/weight v0.0.0

replace knative-edge.lab/weight => ../weight
