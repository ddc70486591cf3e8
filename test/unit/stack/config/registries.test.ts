import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readConfig } from "../../../../stack/config";
import { leastConfig, project, testConfig } from "../../../support/config";
import { tls } from "../../../support/testTls";

/** The sentences about one registry. */
function problems(fields: unknown, host = "ghcr.io", encrypted?: ReadonlySet<string>): string[] {
  const secrets = encrypted && new Set([...encrypted, "sshPrivateKey"]);
  try {
    const registries = JSON.stringify({ [host]: fields });
    readConfig({ ...leastConfig, registries }, secrets);
    return [];
  } catch (error) {
    const { problems: all } = error as { problems: string[] };
    return all.map((problem) => problem.replace(`${project}:registries["${host}"]`, ""));
  }
}

const login = { username: "edge", password: "hush" };

describe("the key registries", () => {
  it("is read in full", () => {
    const registries = {
      "docker.io": { mirrors: ["mirror.example.com:5000", "harbor.example.com/hub"] },
      "registry.example.com": { ...login, ca: `our own:\n${tls.cert}${tls.cert}` },
      "localhost:5000": { plainHttp: true },
    };
    const read = testConfig({ registries: JSON.stringify(registries) }).registries;
    const nothing = { ca: undefined, plainHttp: false, mirrors: [] };
    assert.deepEqual(read, {
      "docker.io": { ...nothing, ...registries["docker.io"] },
      "registry.example.com": { ...nothing, ...login, ca: tls.cert + tls.cert },
      "localhost:5000": { ...nothing, plainHttp: true },
    });
  });

  it("takes a CA from its file", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ca-"));
    try {
      const file = path.join(folder, "ca.pem");
      fs.writeFileSync(file, tls.cert);
      const registries = JSON.stringify({ "ghcr.io": { ca: file } });
      assert.equal(testConfig({ registries }).registries["ghcr.io"]?.ca, tls.cert);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("may be encrypted, and must be if it has a password", () => {
    assert.deepEqual(problems(login, "ghcr.io", new Set(["registries"])), []);
    assert.deepEqual(problems({ mirrors: ["a.example"] }, "ghcr.io", new Set()), []);
    assert.deepEqual(problems(login, "ghcr.io", new Set()), [
      ".password: stands in plain text in the stack's file; set it with " +
        "`pulumi config set --secret --path 'registries[\"ghcr.io\"].password'`.",
    ]);
  });

  const wrong: [name: string, fields: unknown, problem: string][] = [
    [
      "a text",
      "hush",
      ": a mapping was expected, with some of username, password, ca, plainHttp, mirrors.",
    ],
    [
      "an unknown field",
      { mirror: [] },
      '.mirror: there is no such field; did you mean "mirrors"?',
    ],
    [
      "a number for a password",
      { ...login, password: 12345678 },
      ".password: a text was expected; put it in quotes.",
    ],
    [
      "an empty user name",
      { ...login, username: "" },
      ".username: a text was expected; put it in quotes.",
    ],
    [
      "a colon in the user name",
      { ...login, username: "a:b" },
      ".username: has a colon, which ends a user name in HTTP; take it out.",
    ],
    [
      "no user name",
      { password: "hush" },
      ".username: is not set; a login has both username and password.",
    ],
    [
      "no password",
      { username: "edge" },
      ".password: is not set; a login has both username and password.",
    ],
    ["a text for plainHttp", { plainHttp: "yes" }, '.plainHttp: "yes" is neither true nor false.'],
    [
      "a CA without TLS",
      { plainHttp: true, ca: tls.cert },
      ".ca: does nothing with plainHttp; unset one of them.",
    ],
    [
      "a number for a CA",
      { ca: 1 },
      ".ca: a text was expected; give the text of a certificate in PEM, or the name of its file.",
    ],
    [
      "a CA that is not there",
      { ca: "/no/such.pem" },
      ".ca: /no/such.pem cannot be read; give the text of a certificate in PEM, or the name of its file.",
    ],
    [
      "a key for a CA",
      { ca: tls.key },
      ".ca: this has something else than certificates; give the text of a certificate in PEM, or the name of its file.",
    ],
    [
      "a broken certificate",
      { ca: tls.cert.replace("MII", "MIX") },
      ".ca: this has something else than certificates; give the text of a certificate in PEM, or the name of its file.",
    ],
    [
      "a text for mirrors",
      { mirrors: "a.example" },
      ".mirrors: a list of registries was expected.",
    ],
    [
      "a URL for a mirror",
      { mirrors: ["a.example", "https://b.example"] },
      '.mirrors[1]: "https://b.example" is not a registry; write it like mirror.example.com, or mirror.example.com/path.',
    ],
    [
      "the registry for a mirror",
      { mirrors: ["ghcr.io"] },
      ".mirrors[0]: is the registry itself, which is asked after its mirrors; take it out.",
    ],
  ];
  for (const [name, fields, problem] of wrong) {
    it(`refuses ${name}`, () => {
      const told = problems(fields);
      assert.deepEqual(told, [problem]);
      assert.ok(!/hush|12345678|PRIVATE/.test(told.join()));
    });
  }

  for (const host of ["https://ghcr.io", "ghcr.io/team", "ghcr", "ghcr.io:", "ghcr.io:a"]) {
    it(`refuses ${host} for a host`, () => {
      assert.deepEqual(problems({}, host), [
        ": this is not the host of a registry; write it as image names begin, such as ghcr.io or registry.example.com:5000.",
      ]);
    });
  }

  it("has Docker Hub by the name that its images have", () => {
    assert.deepEqual(problems({}, "registry-1.docker.io"), [
      ": images of Docker Hub are those of docker.io; write that.",
    ]);
  });
});
