import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { answerOf } from "../answer";
import { digestOf } from "../files";
import { typeScript } from "../paths";
import { waitFor } from "../process";

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("lab's file server", () => {
  let folder: string;
  let child: ChildProcess;
  let url: string;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    writeFileSync(path.join(folder, "k0s-v1+k0s.0"), "0123456789");
    writeFileSync(path.join(folder, ".hidden"), "secret");
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const server = path.resolve(__dirname, "../filesServer.ts");
    child = spawn(process.execPath, [...typeScript, server, folder, "127.0.0.1", String(port)]);
    const answers = () =>
      fetch(url).then(
        () => true,
        () => false,
      );
    await waitFor(answers, 45, () => "the file server does not start");
  });

  after(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });

  it("serves a file whole, its head, and a range of it", async () => {
    const file = `${url}/k0s-v1+k0s.0`;
    assert.equal(await (await fetch(file)).text(), "0123456789");
    const head = await fetch(file, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "10");
    const range = await fetch(file, { headers: { range: "bytes=2-4" } });
    assert.equal(range.status, 206);
    assert.equal(await range.text(), "234");
  });

  it("serves nothing else", async () => {
    for (const [place, status] of [
      ["/nothing", 404],
      ["/", 404],
      ["/.hidden", 403],
      ["//", 400],
      ["/%2e%2e%2f%2e%2e%2fetc/passwd", 403],
    ] as const) {
      assert.equal((await fetch(url + place)).status, status, place);
    }
    assert.equal((await fetch(url, { method: "PUT", body: "x" })).status, 405);
  });

  it("has the digest of a file, and of what it is changed to", async () => {
    const file = path.join(folder, "digest");
    for (const content of ["one", "another"]) {
      writeFileSync(file, content);
      const expected = createHash("sha256").update(content).digest("hex");
      assert.equal(await digestOf(file), expected);
      assert.equal(await digestOf(file), expected, "noted");
    }
  });
});

describe("the sample's answer", () => {
  it("is asked for at the load balancer's address, with the URL's host", async () => {
    const server = http.createServer((request, response) => {
      response.statusCode = request.headers.host?.startsWith("hello.") ? 200 : 404;
      response.end(`for ${request.headers.host ?? ""}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const outputs = (host: string) => ({
      url: `http://${host}:${port}`,
      loadBalancerIp: "127.0.0.1",
    });
    try {
      assert.deepEqual(await answerOf(outputs("hello.invalid")), {
        url: `http://hello.invalid:${port}`,
        answer: `for hello.invalid:${port}`,
        note: " (asked at 127.0.0.1 with Host: hello.invalid)",
      });
      await assert.rejects(answerOf(outputs("other.invalid")), /HTTP 404: for other\.invalid/);
      await assert.rejects(answerOf({}), /no outputs url and loadBalancerIp/);
    } finally {
      server.close();
    }
  });

  it("is a failure when it is cut off in the middle", async () => {
    const server = net.createServer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHello");
        setTimeout(() => socket.destroy(), 50);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const outputs = { url: `http://hello.invalid:${port}`, loadBalancerIp: "127.0.0.1" };
      await assert.rejects(answerOf(outputs), /aborted/);
    } finally {
      server.close();
    }
  });
});
