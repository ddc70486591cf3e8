module knative-edge.lab/cni-node

go 1.26

require (
	github.com/vishvananda/netlink v1.3.1
	knative-edge.lab/weight v0.0.0
)

require (
	github.com/vishvananda/netns v0.0.5 // indirect
	golang.org/x/sys v0.10.0 // indirect
)

replace knative-edge.lab/weight => ../weight
