import { strict as assert } from "node:assert";
import { verify, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../process";
import { basic, htpasswdLine, isAuthorized } from "../registry/login";
import { makeCa, makeCertificate, type Certificate } from "../tls";
import { issuer, service, signedToken, tokenServer } from "../registry/tokens";

const login = { username: "edge", password: "p4ss:w0rd" };

/** The parts of a JSON Web Token. */
function parts(token: string): {
  header: { x5c: string[] };
  claims: Record<string, unknown>;
  text: string;
  signature: Buffer;
} {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const json = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  return {
    header: json(header) as { x5c: string[] },
    claims: json(claims) as Record<string, unknown>,
    text: `${header}.${claims}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

describe("the lab's registry", () => {
  let dir: string;
  let ca: Certificate;
  let signer: Certificate;
  let tls: Certificate;

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "lab-registry-"));
    ca = await makeCa(dir, "a CA");
    signer = await makeCertificate(dir, "signer", ca);
    tls = await makeCertificate(dir, "server", ca, "127.0.0.1");
  });
  after(() => rmSync(dir, { recursive: true }));

  const read = ({ cert }: Certificate): X509Certificate => new X509Certificate(readFileSync(cert));

  it("has a CA, and certificates that are none", () => {
    assert.equal(read(ca).ca, true);
    for (const certificate of [signer, tls]) {
      assert.equal(read(certificate).ca, false);
      assert.ok(read(certificate).checkIssued(read(ca)));
      assert.ok(read(certificate).verify(read(ca).publicKey));
    }
    assert.equal(read(tls).checkIP("127.0.0.1"), "127.0.0.1");
  });

  it("knows its one user by name and password", () => {
    assert.equal(isAuthorized(basic(login), login), true);
    for (const other of [undefined, "", basic({ ...login, password: "p4ss" }), "Bearer x"])
      assert.equal(isAuthorized(other, login), false);
  });

  it("keeps the password by bcrypt alone, with another salt each time", async () => {
    const [first, second] = await Promise.all([htpasswdLine(login), htpasswdLine(login)]);
    assert.match(first, /^edge:\$2b\$05\$[./A-Za-z0-9]{53}\n$/);
    assert.notEqual(first, second);
    // The hash of the password with the hash as its salt is the hash.
    const hash = first.trim().slice("edge:".length);
    const crypt = "chomp(my $p = <STDIN>); print crypt($p, $ARGV[0])";
    const { stdout } = await run("perl", ["-e", crypt, hash], { input: `${login.password}\n` });
    assert.equal(stdout, hash);
  });

  it("gives tokens that its CA's certificate proves, for pulls alone", () => {
    const scopes = ["repository:team/app:pull,push", "repository:team/other:push"];
    const token = signedToken(signer, "edge", scopes, new Date(1_000_000));
    const { header, claims, text, signature } = parts(token);
    const certificate = new X509Certificate(Buffer.from(header.x5c[0] ?? "", "base64"));
    assert.ok(certificate.verify(read(ca).publicKey));
    const key = { key: certificate.publicKey, dsaEncoding: "ieee-p1363" } as const;
    assert.ok(verify("sha256", Buffer.from(text), key, signature));
    const { jti, ...others } = claims;
    assert.equal(typeof jti, "string");
    assert.deepEqual(others, {
      ...{ iss: issuer, aud: service, sub: "edge", iat: 1000, nbf: 1000, exp: 1060 },
      access: [{ type: "repository", name: "team/app", actions: ["pull"] }],
    });
  });

  it("gives them to whoever knows the password, and sends those away who begin with OAuth", async () => {
    const asked: string[] = [];
    const server = tokenServer(tls, { login, signer, log: (line) => asked.push(line) });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const ask = async (method: string, authorization?: string) => {
      const url = `https://127.0.0.1:${port}/token?service=x&scope=repository:team/app:pull`;
      const headers = authorization === undefined ? {} : { authorization };
      const options = { method, headers, ca: readFileSync(ca.cert), agent: false };
      return new Promise<{ status?: number; body: string }>((resolve, reject) => {
        const request = https.request(url, options, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (text: string) => (body += text));
          response.once("end", () => resolve({ status: response.statusCode, body }));
        });
        request.once("error", reject);
        request.end();
      });
    };
    try {
      const { status, body } = await ask("GET", basic(login));
      assert.equal(status, 200);
      const { token } = JSON.parse(body) as { token: string };
      assert.equal(parts(token).claims.sub, "edge");
      assert.equal((await ask("GET")).status, 401);
      assert.equal((await ask("GET", basic({ ...login, password: "no" }))).status, 401);
      assert.equal((await ask("POST", basic(login))).status, 405);
      assert.deepEqual(asked, [
        ...["GET repository:team/app:pull 200", "GET repository:team/app:pull 401"],
        ...["GET repository:team/app:pull 401", "POST repository:team/app:pull 405"],
      ]);
    } finally {
      server.close();
    }
  });
});
