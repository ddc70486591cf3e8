import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import * as path from "node:path";
import { certificateFor, testCa } from "../../../support/certificates";
import { probeResult } from "../../../../components/knative/httpProbe";

const script = fs.readFileSync(
  path.join(__dirname, "../../../../components/knative/probe.cjs"),
  "utf8",
);

/** Runs the probe as the provider does: by stdin, with its variables in the environment. */
function probe(url: string, address: string, timeout: number, ca?: string) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const env = {
      ...process.env,
      PROBE_URL: url,
      PROBE_ADDRESS: address,
      PROBE_TIMEOUT: `${timeout}`,
      ...(ca !== undefined && { PROBE_CA: ca }),
    };
    const child = spawn(process.execPath, ["-"], { env });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(script);
  });
}

describe("the probe", () => {
  let server: http.Server;
  let port: number;
  let notReady: number;
  let hosts: (string | undefined)[];

  beforeEach(async () => {
    notReady = 0;
    hosts = [];
    server = http.createServer((request, response) => {
      hosts.push(request.headers.host);
      if (notReady-- > 0) {
        response.writeHead(404).end();
      } else {
        response.end("Hello Edge!!\n");
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  it("asks by name where the name leads to the load balancer", async () => {
    const { code, stdout } = await probe(`http://localhost:${port}`, "127.0.0.1", 10);
    assert.equal(code, 0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([result.via, result.status, result.body], ["url", 200, "Hello Edge!!\n"]);
  });

  it("asks by address, with the name in the Host header, where it does not", async () => {
    const { stdout } = await probe(`http://hello.invalid:${port}`, "127.0.0.1", 10);
    assert.equal((JSON.parse(stdout) as { via: string }).via, "address");
    assert.deepEqual(hosts, [`hello.invalid:${port}`]);
  });

  it("asks over HTTPS, and takes only a certificate of that name by a CA that it trusts", async () => {
    const { certificate: cert, key } = await certificateFor(["hello.invalid"]);
    const secured = https.createServer({ cert, key }, (_, response) => response.end("Hello"));
    await new Promise<void>((resolve) => secured.listen(0, "127.0.0.1", resolve));
    const at = (secured.address() as AddressInfo).port;
    const ca = (await testCa).certificate;
    try {
      const [right, other, untrusted] = await Promise.all([
        probe(`https://hello.invalid:${at}`, "127.0.0.1", 10, ca),
        probe(`https://other.invalid:${at}`, "127.0.0.1", 1, ca),
        probe(`https://hello.invalid:${at}`, "127.0.0.1", 1),
      ]);
      assert.equal((JSON.parse(right.stdout) as { body: string }).body, "Hello");
      assert.deepEqual([other.code, untrusted.code], [1, 1]);
      assert.match(other.stderr, /did not answer .*does not match certificate's altnames/);
      assert.match(untrusted.stderr, /did not answer .*unable to (verify|get)|self-signed/);
    } finally {
      secured.close();
      secured.closeAllConnections();
    }
  });

  it("waits for an answer that is none yet, and says for what", async () => {
    notReady = 2;
    const { code, stderr } = await probe(`http://hello.invalid:${port}`, "127.0.0.1", 10);
    assert.equal(code, 0);
    assert.match(stderr, /waiting for http:\/\/hello\.invalid:\d+\/: HTTP status 404/);
    assert.equal(hosts.length, 3);
  });

  it("fails at the deadline with what it saw last and what to check", async () => {
    notReady = 1000;
    const { code, stdout, stderr } = await probe(`http://hello.invalid:${port}`, "127.0.0.1", 1);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /did not answer within 1 s, asked by the address 127\.0\.0\.1.*HTTP status 404/,
    );
  });

  it("tells what was answered, not that the deadline cut the next request short", async () => {
    answering((_, response) => {
      answering(stall);
      response.writeHead(404).end();
    });
    const { stderr } = await probe(`http://hello.invalid:${port}`, "127.0.0.1", 1);
    assert.match(stderr, /did not answer within 1 s, .*: HTTP status 404\. Check/);
  });

  const cut: http.RequestListener = (_, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("Hello", () => response.destroy());
  };
  const stall: http.RequestListener = () => undefined;
  const silentStream: http.RequestListener = (_, response) => response.flushHeaders();
  const stream: http.RequestListener = (_, response) => {
    response.write("data: 1\n\n");
  };
  const endless: http.RequestListener = (_, response) => {
    const more = (): void => {
      response.write("x".repeat(1000), (error) => !error && setImmediate(more));
    };
    more();
  };
  /** Answers only thus. */
  const answering = (listener: http.RequestListener): void => {
    server.removeAllListeners("request").on("request", listener);
  };

  const none: [what: string, listener: http.RequestListener, reason: RegExp][] = [
    ["an answer that is cut off", cut, /: the connection was cut\. Check/],
    ["a server that says nothing", stall, /: no answer within .* s\. Check/],
    ["a stream without a first byte", silentStream, /: no answer within .* s\. Check/],
  ];
  for (const [what, listener, reason] of none) {
    it(`takes ${what} for none, and prints nothing for the state`, async () => {
      answering(listener);
      // Long enough for a busy machine to see the cut before the deadline, at which what began counts as a stream.
      const { code, stdout, stderr } = await probe(`http://a.invalid:${port}`, "127.0.0.1", 3);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, reason);
    });
  }

  it("takes an answer after one that was cut off", async () => {
    answering((request, response) => {
      answering((_, next) => next.end("Hello"));
      cut(request, response);
    });
    const { code, stdout } = await probe(`http://a.invalid:${port}`, "127.0.0.1", 10);
    assert.deepEqual([code, (JSON.parse(stdout) as { body: string }).body], [0, "Hello"]);
  });

  const streams: [what: string, listener: http.RequestListener, body: string][] = [
    ["pauses", stream, "data: 1\n\n"],
    ["never ends", endless, "x".repeat(200)],
  ];
  for (const [what, listener, body] of streams) {
    it(`takes the beginning of a stream that ${what} for an answer`, async () => {
      answering(listener);
      const { code, stdout } = await probe(`http://a.invalid:${port}`, "127.0.0.1", 1);
      assert.deepEqual([code, (JSON.parse(stdout) as { body: string }).body], [0, body]);
    });
  }

  for (const status of [401, 403, 405, 415, 426]) {
    it(`takes ${status} for an answer, which only the service gives`, async () => {
      answering((_, response) => response.writeHead(status).end());
      const { code, stdout } = await probe(`http://a.invalid:${port}`, "127.0.0.1", 1);
      assert.deepEqual([code, (JSON.parse(stdout) as { status: number }).status], [0, status]);
    });
  }

  it("asks for the path, and says how to choose another", async () => {
    answering((request, response) =>
      response.writeHead(request.url === "/a?b=c" ? 200 : 404).end(),
    );
    const asked = (path: string) => probe(`http://a.invalid:${port}${path}`, "127.0.0.1", 1);
    assert.equal((await asked("/a?b=c")).code, 0);
    assert.match(
      (await asked("/")).stderr,
      /HTTP status 404\. .* field probe to another path, or to/,
    );
  });

  it("explains a state that has no answer", () => {
    const urn = "urn:pulumi:a::knative-edge::command:local:Command::hello-probe-request";
    assert.throws(
      () => probeResult("", urn),
      /has no answer.* "": .*pulumi up --replace 'urn:.*hello-probe-request'$/,
    );
    assert.equal(probeResult('{"status":200}', urn).status, 200);
  });
});
