package main

import (
	"log"
	"net"

	"github.com/vishvananda/netlink"
)

// protocol marks a route as kube-router's own (RouteProtocol 17 in its pkg/routes).
const protocol = 17

// routes are the ways to the pods of other nodes, by their range.
type routes struct{ via map[string]string }

// newRoutes begins with those that an earlier process left.
func newRoutes() *routes {
	r := &routes{via: map[string]string{}}
	found, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		log.Print(err)
	}
	for _, route := range found {
		if route.Dst != nil {
			r.via[route.Dst.String()] = route.Gw.String()
		}
	}
	return r
}

// follow makes the kernel's routes those to the nodes that are there.
func (r *routes) follow(own string, nodes map[string]node) {
	wanted := map[string]string{}
	for name, n := range nodes {
		if name != own && n.podCIDR != "" && n.address != "" {
			wanted[n.podCIDR] = n.address
		}
	}
	for cidr := range r.via {
		if wanted[cidr] == "" {
			if r.change("delete", cidr, r.via[cidr], netlink.RouteDel) {
				delete(r.via, cidr)
			}
		}
	}
	for cidr, address := range wanted {
		if r.via[cidr] != address && r.change("replace", cidr, address, netlink.RouteReplace) {
			r.via[cidr] = address
		}
	}
}

// change tells whether the kernel did it. What failed is tried again with the next event.
func (r *routes) change(verb, cidr, address string, act func(*netlink.Route) error) bool {
	_, destination, err := net.ParseCIDR(cidr)
	if err == nil {
		err = act(&netlink.Route{Dst: destination, Gw: net.ParseIP(address), Protocol: protocol})
	}
	if err != nil {
		log.Printf("cannot %s the route %s via %s: %v", verb, cidr, address, err)
	}
	return err == nil
}
