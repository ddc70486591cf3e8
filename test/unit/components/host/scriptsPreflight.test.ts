import assert from "node:assert/strict";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import { downloaders, ScratchHost, hostScriptText } from "../../../support/scratchHost";

const variables = {
  OWNER: "stack-a",
  NODE_ADDRESS: "192.168.56.10",
  K0S_VERSION: "v1.35.7+k0s.0",
  MIN_MEMORY_MIB: "1280",
};

describe("entry.sh", () => {
  let host: ScratchHost;
  beforeEach(() => {
    host = new ScratchHost();
    host.fake("id", `case $1 in -u) cat $F/uid ;; -un) echo edge ;; esac`);
    host.write("fake/uid", "1000");
  });
  afterEach(() => host.dispose());
  const enter = () =>
    host.sh(
      ["-c", hostScriptText("entry").trim().replaceAll("@operation@", "delete")],
      'echo "$1 $AS"',
    );

  it("runs the script directly as root", async () => {
    host.write("fake/uid", "0");
    assert.equal((await enter()).stdout, "delete \n");
  });

  it("runs the script through sudo as another user", async () => {
    host.fake("sudo", 'shift; AS=sudo exec env AS=sudo "$@"');
    assert.equal((await enter()).stdout, "delete sudo\n");
  });

  for (const [what, sudo] of [
    ["wants a password", "cat >/dev/null; exit 1"],
    ["is missing", undefined],
  ] as const) {
    it(`says what to do when sudo ${what}`, async () => {
      if (sudo !== undefined) host.fake("sudo", sudo);
      const { code, stdout, stderr } = await enter();
      assert.equal(code, 77);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^edge: user edge is not root and may not use sudo without a password: set sshUser[^\n]*\n$/,
      );
    });
  }
});

describe("preflight.sh", () => {
  let host: ScratchHost;
  beforeEach(() => {
    host = new ScratchHost();
  });
  afterEach(() => host.dispose());
  const preflight = (more: Record<string, string> = {}) =>
    host.run("preflight", { ...variables, ...more });

  it("tells the facts of a good host, the same each time, and changes nothing", async () => {
    const before = host.tree();
    const first = await preflight();
    assert.equal(first.stderr, "");
    assert.deepEqual(JSON.parse(first.stdout), {
      arch: "amd64",
      os: "Debian GNU/Linux 12 (bookworm)",
      kernel: "6.1.0",
      cgroup: 2,
      cpus: 1,
      memoryMiB: 2048,
      machineId: "0123456789abcdef0123456789abcdef",
      hostname: "edge",
    });
    assert.deepEqual(await preflight(), first);
    assert.deepEqual(host.tree(), before);
  });

  const listen = (port: number, inode: number) =>
    `   0: 00000000:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;
  const ours = () => {
    host.write("etc/k0s/.knative-edge", "stack-a");
    host.write("etc/systemd/system/k0scontroller.service", "");
  };

  for (const downloader of downloaders) {
    it(`compares the clock with a web server's, by ${downloader}`, async () => {
      host.removeCommand("curl");
      host.linkCommand(downloader);
      let ahead = 0;
      const server = http.createServer((_, response) => {
        response.sendDate = false;
        const date = new Date(Date.now() - ahead * 1000).toUTCString();
        response.writeHead(404, { Date: date }).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const clock = { CLOCK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/k0s` };
      try {
        assert.equal((await preflight(clock)).stderr, "");
        for (ahead of [3600, -3600]) {
          const { code, stderr } = await preflight(clock);
          assert.equal(code, 1);
          const [, seconds] =
            /^edge: the host's clock differs by (-?\d+) s from that of 127\.0\.0\.1:\d+, .* set it/.exec(
              stderr,
            ) ?? [];
          assert.ok(Math.abs(Number(seconds) - ahead) < 60, stderr);
        }
      } finally {
        server.closeAllConnections();
        server.close();
      }
      assert.equal((await preflight(clock)).stderr, "", "no server is no finding");
    });
  }

  const findings: [string, () => void, RegExp, Record<string, string>?][] = [
    [
      "an architecture",
      () => host.write("fake/arch", "armv7l\n"),
      /architecture armv7l is not supported/,
    ],
    ["no systemd", () => host.remove("run/systemd"), /systemd does not run this host/],
    ["no downloader", () => host.removeCommand("curl"), /neither curl nor wget is installed/],
    [
      "a missing cgroup controller",
      () => host.write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n"),
      /no cgroup controller memory: enable it on the kernel command line/,
    ],
    [
      "cgroup v1 with k0s 1.35",
      () => {
        host.remove("sys/fs/cgroup/cgroup.controllers");
        for (const name of ["cpu", "memory", "pids"]) host.write(`sys/fs/cgroup/${name}/tasks`, "");
      },
      /cgroup v1, which k0s v1\.35\.7\+k0s\.0 refuses: boot with systemd\.unified_cgroup_hierarchy=1/,
    ],
    [
      "too little memory",
      () => host.write("proc/meminfo", "MemTotal:  1000000 kB\n"),
      /has 976 MiB of memory and needs 1280/,
    ],
    [
      "memory that others hold, and names who holds the most",
      () => {
        host.write("proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 614400 kB\n");
        host.write("proc/2/status", "Name:\tkthreadd\nPid:\t2\n");
        host.write("proc/44/status", "Name:\tsshd\nPid:\t44\nVmRSS:\t    9000 kB\n");
        host.write("proc/811/status", "Name:\tWeb Content\nPid:\t811\nVmRSS:\t  819200 kB\n");
      },
      /has 600 MiB of free memory, and the stack takes 700; the largest process is Web Content \(process 811\) with 800 MiB\. Stop/,
      { FREE_MEMORY_MIB: "700" },
    ],
    [
      "less memory than declared",
      () => host.write("proc/meminfo", "MemTotal:  2000000 kB\n"),
      /has 1953 MiB of memory and hostMemoryMiB says 4096: set hostMemoryMiB to 1953/,
      { HOST_MEMORY_MIB: "4096" },
    ],
    [
      "fewer processors than declared",
      () => undefined,
      /CPU and hostCpus says 4096: set hostCpus to/,
      { HOST_CPUS: "4096" },
    ],
    [
      "too little disk",
      () => host.write("fake/disk", "40000000 32500000 7500000"),
      /\/var\/lib\/k0s has 7324 MiB of free disk and needs 7907/,
    ],
    [
      "a disk of this stack's own host on which pods are evicted",
      () => {
        ours();
        host.write("fake/disk", "40000000 35000000 5000000");
      },
      /\/var\/lib\/k0s has 4882 MiB of free disk and needs 5859 \(15 % of the disk, under which pods are evicted\): free/,
    ],
    [
      "too little on a disk of its own for images",
      () => {
        host.write("var/lib/k0s/containerd/x", "");
        host.fake(
          "df",
          `case $2 in */containerd/) echo "head\n/dev/vdb 10000000 7000000 3000000 70% $R/var/lib/k0s/containerd" ;;
          *) echo "head\n/dev/vda 40000000 1 30000000 1% /" ;; esac`,
        );
      },
      /\/var\/lib\/k0s\/containerd has 2929 MiB of free disk and needs 3512 \(2048 and 15 %/,
    ],
    [
      "too little on a disk of its own for pods",
      () => {
        host.write("var/lib/k0s/kubelet/x", "");
        host.fake(
          "df",
          `case $2 in */kubelet/) echo "head\n/dev/vdb 10000000 9500000 500000 95% $R/var/lib/k0s/kubelet" ;;
          *) echo "head\n/dev/vda 40000000 1 30000000 1% /" ;; esac`,
        );
      },
      /\/var\/lib\/k0s\/kubelet has 488 MiB of free disk and needs 976 \(10 %/,
    ],
    [
      "a port in use",
      () => {
        host.write("proc/net/tcp", listen(8080, 4711) + listen(22, 1));
        host.process(321, { comm: "nginx", inode: 4711 });
      },
      /port 8080 is in use by nginx \(process 321\)/,
    ],
    [
      "a port in use on IPv6",
      () => {
        host.write(
          "proc/net/tcp6",
          listen(6443, 12).replace("00000000:", "00000000000000000000000000000000:"),
        );
        host.process(7, { comm: "haproxy", inode: 12 });
      },
      /port 6443 is in use by haproxy \(process 7\)/,
    ],
    [
      "a port of this stack's own host in use by a stranger",
      () => {
        ours();
        host.write("proc/net/tcp", listen(10250, 5));
        host.process(9, { comm: "thief", inode: 5 });
      },
      /port 10250 is in use by thief/,
    ],
    [
      "a port of the gateway in use, where it answers on the host",
      () => {
        host.write("proc/net/tcp", listen(443, 4711));
        host.process(321, { comm: "nginx", inode: 4711 });
      },
      /port 443 is in use by nginx \(process 321\), and Kourier answers there with loadBalancer nodeIp/,
      { GATEWAY_PORTS: "80 443" },
    ],
    [
      "a port of the gateway in use at the node's address, on this stack's own host too",
      () => {
        ours();
        host.write("proc/net/tcp", listen(80, 4711).replace("00000000:", "0A38A8C0:"));
        host.process(321, { comm: "nginx", inode: 4711 });
      },
      /port 80 is in use by nginx .* stop that program or move it, or set loadBalancer to metallb/,
      { GATEWAY_PORTS: "80 443" },
    ],
    [
      "a port of the gateway in use on IPv4 and IPv6 at once",
      () => {
        const any = "00000000000000000000000000000000:";
        host.write("proc/net/tcp6", listen(80, 4711).replace("00000000:", any));
        host.process(321, { comm: "apache2", inode: 4711 });
      },
      /port 80 is in use by apache2/,
      { GATEWAY_PORTS: "80 443" },
    ],
    [
      "a foreign k0s",
      () => host.write("var/lib/k0s/pki/ca.crt", ""),
      /a k0s is here that this stack did not install \(\/var\/lib\/k0s\/pki\)/,
    ],
    [
      "a k0s worker",
      () => host.write("etc/systemd/system/k0sworker.service", ""),
      /a k0s is here that this stack did not install \(\/etc\/systemd\/system\/k0sworker\.service\)/,
    ],
    [
      "another stack's k0s",
      () => host.write("etc/k0s/.knative-edge", "stack-b"),
      /k0s here belongs to "stack-b", not to "stack-a": destroy that stack first, or take another host\n$/,
    ],
    [
      "a k0s of this host under another name of the stack",
      () => host.write("etc/k0s/.knative-edge", "old@192.168.56.10#2"),
      /belongs to "old@192.168.56.10", not to "new@192.168.56.10": .*; if the stack was renamed, rename it back\n$/,
      { OWNER: "new@192.168.56.10#2" },
    ],
    [
      "a k0s of a later generation",
      () => host.write("etc/k0s/.knative-edge", "stack-a#2"),
      /the k0s here is of hostGeneration 2, and an older one, 1, is configured/,
    ],
    [
      "k3s",
      () => host.write("usr/local/bin/k3s", ""),
      /another Kubernetes is here, k3s \(\/usr\/local\/bin\/k3s\)/,
    ],
    [
      "kubeadm",
      () => host.write("etc/kubernetes/kubelet.conf", ""),
      /another Kubernetes is here, kubeadm/,
    ],
    [
      "MicroK8s",
      () => host.write("var/snap/microk8s/x", ""),
      /another Kubernetes is here, MicroK8s/,
    ],
    [
      "a node address that it does not have",
      () => undefined,
      /no interface has the address 192\.168\.56\.1: set nodeAddress to one of: 10\.0\.2\.15 192\.168\.56\.10\n/,
      { NODE_ADDRESS: "192.168.56.1" },
    ],
    [
      "a localhost that does not resolve",
      () => host.remove("fake/localhost"),
      /the name localhost does not resolve/,
    ],
  ];
  for (const [what, arrange, sentence, more] of findings) {
    it(`refuses ${what}, in one sentence`, async () => {
      arrange();
      const { code, stdout, stderr } = await preflight(more);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, sentence);
      assert.match(stderr, /^edge: [^\n]+\n$/);
    });
  }

  it("leaves the gateway's ports alone where they are of another address, and where a load balancer has them", async () => {
    host.write("proc/net/tcp", listen(80, 4711).replace("00000000:", "0100007F:"));
    assert.equal((await preflight({ GATEWAY_PORTS: "80 443" })).code, 0);
    host.write("proc/net/tcp", listen(80, 4711));
    assert.equal((await preflight()).code, 0);
  });

  it("reports all findings together", async () => {
    host.write("fake/arch", "riscv64\n");
    host.write("usr/local/bin/k3s", "");
    host.write("proc/net/tcp", listen(6443, 1) + listen(8080, 2));
    host.write("fake/disk", "40000000 39000000 1000000");
    const { code, stderr } = await preflight({ NODE_ADDRESS: "1.1.1.1" });
    assert.equal(code, 1);
    assert.equal(stderr.split("\n").length - 1, 6, stderr);
  });

  it("accepts this stack's own running k0s: its ports, and a disk that it has filled", async () => {
    ours();
    host.write("proc/net/tcp", listen(6443, 1) + listen(10250, 2) + listen(8080, 3));
    host.process(1, {
      comm: "kube-apiserver",
      inode: 1,
      exe: `${host.root}/var/lib/k0s/bin/kube-apiserver`,
    });
    host.process(2, { comm: "kubelet", inode: 2, cgroup: "/system.slice/k0scontroller.service" });
    host.process(3, { comm: "kube-router", inode: 3, cgroup: "/kubepods/besteffort/pod1/x" });
    host.write("fake/disk", "40000000 32500000 7500000");
    // Its own processes hold the memory.
    host.write("proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 300000 kB\n");
    assert.equal((await preflight({ FREE_MEMORY_MIB: "700" })).stderr, "");
  });

  it("notes that this stack's own host comes near to where pods are evicted", async () => {
    ours();
    host.write("fake/disk", "40000000 33500000 6500000");
    const { code, stderr } = await preflight();
    assert.equal(code, 0);
    assert.equal(
      stderr,
      "k0s: /var/lib/k0s has 6347 MiB of free disk, and under 5859 (15 % of the disk) pods are evicted: " +
        "free some or enlarge the disk before new images need it\n",
    );
  });

  it("accepts cgroup v1 with k0s 1.34, and the reference host's memory without a word", async () => {
    host.remove("sys/fs/cgroup/cgroup.controllers");
    for (const name of ["cpu", "memory", "pids"]) host.write(`sys/fs/cgroup/${name}/tasks`, "");
    host.write("proc/meminfo", "MemTotal: 1492992 kB\n");
    const { code, stdout, stderr } = await preflight({ K0S_VERSION: "v1.34.2+k0s.0" });
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { cgroup: number }).cgroup, 1);
    assert.equal(stderr, "");
  });
});
