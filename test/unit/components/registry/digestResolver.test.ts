import assert from "node:assert/strict";
import { DigestResolver, ResolverOptions } from "../../../../components/registry/digestResolver";
import { Registries } from "../../../../components/registry/registry";
import { RegistryError } from "../../../../components/registry/registryError";
import {
  digestOf,
  FakeRegistry,
  FakeRegistryOptions,
  indexType,
  startRegistry,
} from "../../../support/fakeRegistry";
import { tls } from "../../../support/testTls";

const manifest = '{"schemaVersion":2}';
const manifests = { "team/app:1": manifest };
const digest = digestOf(manifest);
const login = { username: "puller", password: "p4ss:w0rd" };

describe("the digest of an image", () => {
  const started: FakeRegistry[] = [];
  const start = async (options: FakeRegistryOptions = {}): Promise<FakeRegistry> => {
    const registry = await startRegistry({ manifests, ...options });
    started.push(registry);
    return registry;
  };
  afterEach(() => started.splice(0).forEach((registry) => registry.close()));

  const http = { plainHttp: true };
  /** The digest of team/app:1 at a registry, which is spoken to in plain HTTP unless told otherwise. */
  const resolve = (
    { host }: { host: string },
    settings: Registries[string] = {},
    { image = "team/app:1", others = {}, ...options }: Asked = {},
  ): Promise<string> => {
    const registries = { [host]: { ...http, ...settings }, ...others };
    return new DigestResolver(registries, options).resolve(`${host}/${image}`);
  };
  interface Asked extends ResolverOptions {
    image?: string;
    others?: Registries;
  }
  /** The sentence of the error, with NAME for the registry, and whether the trouble may pass. */
  const refusal = async (
    digestOrNot: Promise<string>,
    { host }: { host: string },
  ): Promise<{ message: string; mayPass: boolean }> => {
    const error = await digestOrNot.then(
      (found) => assert.fail(`${found} was found`),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof RegistryError, String(error));
    for (const secret of [login.password, btoa(`${login.username}:${login.password}`)]) {
      assert.ok(!error.message.includes(secret), error.message);
    }
    return { message: error.message.replaceAll(host, "NAME"), mayPass: error.mayPass };
  };

  it("comes from one request without a body, which takes an index before a manifest", async () => {
    const registry = await start();
    assert.equal(await resolve(registry), digest);
    const [call, ...others] = registry.calls;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [call?.method, call?.path, call?.headers.authorization],
      ["HEAD", "/v2/team/app/manifests/1", undefined],
    );
    assert.deepEqual(call?.headers.accept?.split(", "), [
      indexType,
      "application/vnd.docker.distribution.manifest.list.v2+json",
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.docker.distribution.manifest.v2+json",
    ]);
  });

  it("is computed where the registry does not tell it", async () => {
    assert.equal(await resolve(await start({ digestHeader: false })), digest);
  });

  it("is asked for once in a run", async () => {
    const registry = await start();
    const resolver = new DigestResolver({ [registry.host]: http });
    const image = `${registry.host}/team/app:1`;
    const all = await Promise.all([resolver.resolve(image), resolver.resolve(image)]);
    assert.deepEqual([...all, await resolver.resolve(image)], [digest, digest, digest]);
    assert.equal(registry.calls.length, 1);
  });

  it("is not asked for where the image has one", async () => {
    const registry = await start();
    assert.equal(await resolve(registry, {}, { image: `team/other:2@${digest}` }), digest);
    assert.deepEqual(registry.calls, []);
  });

  it("comes by user name and password, sent only where the registry asks for them", async () => {
    const registry = await start({ login: { by: "basic", ...login } });
    assert.equal(await resolve(registry, login), digest);
    const basic = `Basic ${btoa("puller:p4ss:w0rd")}`;
    assert.deepEqual(
      registry.calls.map(({ headers }) => headers.authorization),
      [undefined, basic],
    );
  });

  it("comes by a token, which a login asks for", async () => {
    const registry = await start({ login: { by: "bearer", ...login } });
    assert.equal(await resolve(registry, login), digest);
    assert.deepEqual(
      registry.calls.map(({ path }) => path),
      [
        "/v2/team/app/manifests/1",
        "/token?service=fake&scope=repository%3Ateam%2Fapp%3Apull",
        "/v2/team/app/manifests/1",
      ],
    );
  });

  it("comes by a token that anybody gets", async () => {
    const registry = await start({ login: { by: "bearer", ...login }, anonymous: true });
    assert.equal(await resolve(registry), digest);
    assert.equal(registry.calls[1]?.headers.authorization, undefined);
  });

  it("comes over TLS by a CA of one's own", async () => {
    const registry = await start({ tls: true, login: { by: "bearer", ...login } });
    const settings = { ...login, plainHttp: false, ca: tls.cert };
    assert.equal(await resolve(registry, settings), digest);
  });

  it("comes from a registry that a redirection names, which gets no password", async () => {
    const other = await start();
    const registry = await start({
      login: { by: "basic", ...login },
      instead: ({ path, headers }) =>
        headers.authorization === undefined
          ? undefined
          : { status: 307, headers: { location: `http://${other.host}${path}` } },
    });
    assert.equal(await resolve(registry, login), digest);
    assert.equal(other.calls[0]?.headers.authorization, undefined);
  });

  describe("with mirrors", () => {
    it("comes from the first that has it, told for whom it answers, with the login of the registry", async () => {
      const registry = await start();
      const empty = await start({ manifests: {} });
      const full = await start({
        manifests: { "proxy/team/app:1": manifest },
        login: { by: "basic", ...login },
      });
      const mirrors = [empty.host, `${full.host}/proxy`];
      const another = { username: "another", password: "secret" };
      const others = { [empty.host]: http, [full.host]: { ...http, ...another } };
      const settings = { mirrors, ...login };
      assert.equal(await resolve(registry, settings, { others }), digest);
      assert.deepEqual(registry.calls, []);
      const namespace = encodeURIComponent(registry.host);
      assert.equal(full.calls[0]?.path, `/v2/proxy/team/app/manifests/1?ns=${namespace}`);
      assert.ok(empty.calls.every(({ headers }) => headers.authorization === undefined));
    });

    it("comes from the registry where no mirror gives it", async () => {
      const registry = await start();
      const failing = await start({ instead: () => ({ status: 500 }) });
      const mirrors = ["127.0.0.1:1", failing.host];
      const others = { "127.0.0.1:1": http, [failing.host]: http };
      const pause = async (): Promise<void> => undefined;
      assert.equal(await resolve(registry, { mirrors }, { others, pause }), digest);
    });

    it("is missing where nobody has it, and the error says what each answered", async () => {
      const registry = await start({ manifests: {} });
      const mirrors = ["127.0.0.1:1"];
      const others = { "127.0.0.1:1": http };
      assert.equal(
        (await refusal(resolve(registry, { mirrors }, { others }), registry)).message,
        "NAME has no repository for NAME/team/app:1; correct the name, or push the image. " +
          "No mirror gave it either: 127.0.0.1:1 (cannot be reached).",
      );
    });
  });

  describe("is asked for again after 429 and 5xx", () => {
    const pauses = (): { waits: number[]; pause: (wait: number) => Promise<void> } => {
      const waits: number[] = [];
      return { waits, pause: async (wait) => void waits.push(wait) };
    };
    const busy = (status: number, times: number, headers?: Record<string, string>) => {
      let count = 0;
      return () => ((count += 1) <= times ? { status, headers } : undefined);
    };

    it("three times, with longer and longer pauses", async () => {
      const { waits, pause } = pauses();
      const registry = await start({ instead: busy(503, 3) });
      assert.equal(await resolve(registry, {}, { pause }), digest);
      assert.deepEqual(waits, [1000, 2000, 4000]);
    });

    it("after the time that the registry names", async () => {
      const { waits, pause } = pauses();
      const registry = await start({ instead: busy(429, 1, { "retry-after": "3" }) });
      assert.equal(await resolve(registry, {}, { pause }), digest);
      assert.deepEqual(waits, [3000]);
    });

    it("but not past the deadline", async () => {
      const { waits, pause } = pauses();
      const registry = await start({ instead: busy(429, 9, { "retry-after": "60" }) });
      assert.deepEqual(await refusal(resolve(registry, {}, { pause }), registry), {
        message:
          "NAME answers no more requests for now (429), so the digest of NAME/team/app:1 is not known; " +
          'try again later, or set username and password in registries["NAME"].',
        mayPass: true,
      });
      assert.deepEqual(waits, []);
      assert.equal(registry.calls.length, 1);
    });

    it("and not for ever", async () => {
      const { pause } = pauses();
      const registry = await start({ instead: () => ({ status: 502 }) });
      assert.deepEqual(await refusal(resolve(registry, {}, { pause }), registry), {
        message:
          "NAME fails (502), so the digest of NAME/team/app:1 is not known; try again later, " +
          "or set resolveDigests to false if only the host reaches it.",
        mayPass: true,
      });
      assert.equal(registry.calls.length, 4);
    });
  });

  describe("is refused in one sentence", () => {
    it("where the registry cannot be reached", async () => {
      const registry = { host: "127.0.0.1:1" };
      assert.deepEqual(await refusal(resolve(registry, login), registry), {
        message:
          "NAME cannot be reached (connect ECONNREFUSED NAME), so the digest of NAME/team/app:1 is not known; " +
          "check the name and the network, or set resolveDigests to false if only the host reaches it.",
        mayPass: true,
      });
    });

    it("where it does not answer in time", async () => {
      const registry = await start({ instead: () => ({ status: 102 }) });
      const { message, mayPass } = await refusal(resolve(registry, {}, { timeout: 50 }), registry);
      assert.match(message, /^NAME cannot be reached \(no answer within 1 s\), so/);
      assert.equal(mayPass, true);
    });

    for (const by of ["basic", "bearer"] as const) {
      it(`where the password is wrong (${by})`, async () => {
        const registry = await start({ login: { by, ...login, password: "another" } });
        const from = by === "basic" ? "401" : "401 from NAME";
        assert.deepEqual(await refusal(resolve(registry, login), registry), {
          message:
            `NAME refuses the user name and password (${from}), so it was not asked for NAME/team/app:1; ` +
            'correct registries["NAME"].',
          mayPass: false,
        });
      });

      it(`where a login is missing (${by})`, async () => {
        const registry = await start({ login: { by, ...login } });
        const from = by === "basic" ? "401" : "401 from NAME";
        assert.deepEqual(await refusal(resolve(registry), registry), {
          message:
            `NAME gives NAME/team/app:1 to nobody without a login (${from}), or has no such repository; ` +
            'correct the name, or set username and password in registries["NAME"].',
          mayPass: false,
        });
      });
    }

    it("where the user may not pull", async () => {
      const registry = await start({
        login: { by: "bearer", ...login },
        instead: ({ headers }) =>
          headers.authorization === "Bearer a-token" ? { status: 403 } : undefined,
      });
      assert.deepEqual(await refusal(resolve(registry, login), registry), {
        message:
          'NAME does not give NAME/team/app:1 to the user of registries["NAME"] (403), or has no such repository; ' +
          "correct the name, or let the user pull.",
        mayPass: false,
      });
    });

    it("where there is no such tag", async () => {
      const registry = await start();
      assert.deepEqual(await refusal(resolve(registry, {}, { image: "team/app:2" }), registry), {
        message: "NAME has no such tag as NAME/team/app:2; correct it, or push the image.",
        mayPass: false,
      });
    });

    it("where there is no such repository", async () => {
      const registry = await start();
      assert.deepEqual(await refusal(resolve(registry, {}, { image: "team/web:1" }), registry), {
        message: "NAME has no repository for NAME/team/web:1; correct the name, or push the image.",
        mayPass: false,
      });
    });

    it("where the CA is not known", async () => {
      const registry = await start({ tls: true });
      assert.deepEqual(await refusal(resolve(registry, { plainHttp: false }), registry), {
        message:
          "NAME shows a certificate of a CA that is not trusted (self-signed certificate), " +
          'so it was not asked for NAME/team/app:1; put the CA\'s certificate into registries["NAME"].ca.',
        mayPass: false,
      });
    });

    it("where the certificate is another host's", async () => {
      const { host } = await start({ tls: true });
      const registry = { host: host.replace("127.0.0.1", "localhost") };
      const settings = { plainHttp: false, ca: tls.cert };
      const { message, mayPass } = await refusal(resolve(registry, settings), registry);
      assert.match(
        message,
        /^NAME shows a certificate that is not its own or not valid \(Hostname/,
      );
      assert.equal(mayPass, false);
    });

    it("where it speaks no TLS", async () => {
      const registry = await start();
      assert.deepEqual(await refusal(resolve(registry, { plainHttp: false }), registry), {
        message:
          "NAME does not speak TLS, so it was not asked for NAME/team/app:1; correct its port, " +
          'or set registries["NAME"].plainHttp to true.',
        mayPass: false,
      });
    });

    it("where it speaks TLS, and was to be asked without", async () => {
      // As a registry by Go answers, Debian's docker-registry among them.
      const body = "Client sent an HTTP request to an HTTPS server.\n";
      const registry = await start({ instead: () => ({ status: 400, body }) });
      assert.deepEqual(await refusal(resolve(registry), registry), {
        message:
          'NAME speaks TLS, so it was not asked for NAME/team/app:1; unset registries["NAME"].plainHttp.',
        mayPass: false,
      });
    });

    it("where something else answers", async () => {
      const headers = { "content-type": "text/html; charset=utf-8" };
      const registry = await start({ instead: () => ({ status: 200, headers }) });
      assert.deepEqual(await refusal(resolve(registry), registry), {
        message:
          'NAME answers without the digest of NAME/team/app:1 (of the type "text/html"); check that it is a registry, ' +
          "or set resolveDigests to false if only the host reaches it.",
        mayPass: false,
      });
    });

    it("where a redirection leads out of TLS", async () => {
      const plain = await start();
      const instead = ({ path }: { path: string }) => ({
        status: 307,
        headers: { location: `http://${plain.host}${path}` },
      });
      const registry = await start({ tls: true, instead });
      const settings = { plainHttp: false, ca: tls.cert };
      const { message } = await refusal(resolve(registry, settings), registry);
      assert.match(message, /^NAME answers without the digest of NAME\/team\/app:1 \(307\)/);
      assert.deepEqual(plain.calls, []);
    });

    it("where a token server without TLS would get the password", async () => {
      const plain = await start();
      const challenge = `Bearer realm="http://${plain.host}/token",service="fake"`;
      const registry = await start({
        tls: true,
        instead: () => ({ status: 401, headers: { "www-authenticate": challenge } }),
      });
      const settings = { ...login, plainHttp: false, ca: tls.cert };
      const { message } = await refusal(resolve(registry, settings), registry);
      assert.match(message, /401 without an https URL of its token server/);
      assert.deepEqual(plain.calls, []);
    });
  });
});
