package main

import (
	"slices"
	"strings"
	"testing"
)

// A token leads a worker to its server, and to no other kind of join.
func TestJoinToken(t *testing.T) {
	text, err := joinToken("https://192.0.2.7:6443", []byte("the CA"), "abcdef.0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	config, err := readJoinToken(text)
	if err != nil {
		t.Fatal(err)
	}
	server, ca, user, err := config.parts()
	if err != nil || server != "https://192.0.2.7:6443" || string(ca) != "the CA" || user.Token != "abcdef.0123456789abcdef" {
		t.Errorf("got %q, %q, %q, %v", server, ca, user.Token, err)
	}
	for _, damaged := range []string{"", "x", text[:len(text)/2], text + "\n\n"} {
		if _, err := readJoinToken(damaged); damaged != text+"\n\n" && err == nil {
			t.Errorf("%q is taken for a token", damaged)
		}
	}
}

// k0s finds etcd where storage is not named, unless it is a single node; the double says so in place of an empty cluster.
func TestControllerModes(t *testing.T) {
	for args, want := range map[string]string{
		"--single":                     "",
		"--enable-worker":              "always runs pods",
		"--enable-worker --no-taints":  "has no konnectivity",
		"":                             "always runs pods",
		"--single --token-file=/token": "joins no controllers",
		"--enable-worker --no-taints --disable-components=konnectivity-server": "",
	} {
		cmd := controllerCmd()
		if err := cmd.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		err := checkController(cmd)
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", args, err, want)
		}
		storage := newVars(cmd).DefaultStorageType
		if single := strings.Contains(args, "--single"); (storage == "kine") != single {
			t.Errorf("%q: the default storage is %s", args, storage)
		}
	}
}

func TestNodeName(t *testing.T) {
	for args, want := range map[string]string{
		"--node-ip=192.0.2.8 --hostname-override=Edge-2": "edge-2",
		"--hostname-override=b":                          "b",
	} {
		if got, err := (workerOptions{kubeletArgs: args}).nodeName(); err != nil || got != want {
			t.Errorf("%q: got %q, %v", args, got, err)
		}
	}
}

func TestTaints(t *testing.T) {
	taints, err := parseTaints([]string{"gpu=yes:NoSchedule", "slow:PreferNoSchedule"})
	if err != nil || len(taints) != 2 || taints[0]["value"] != "yes" || taints[1]["key"] != "slow" {
		t.Errorf("got %v, %v", taints, err)
	}
	for _, wrong := range []string{"gpu", "gpu=yes:Never"} {
		if _, err := parseTaints([]string{wrong}); err == nil {
			t.Errorf("%q is taken for a taint", wrong)
		}
	}
}

// One CoreDNS for a node, two for two to ten, three for eleven: k0s' own tests have the same.
func TestCoreDNSReplicas(t *testing.T) {
	var got []int
	for _, nodes := range []int{0, 1, 2, 10, 11} {
		got = append(got, coreDNSReplicas(nodes))
	}
	if !slices.Equal(got, []int{1, 1, 2, 2, 3}) {
		t.Errorf("got %v", got)
	}
}
