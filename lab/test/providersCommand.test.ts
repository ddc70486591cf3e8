import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { Server, utils } from "ssh2";
import { dial, dialError, dialWithRetry, parseHostKey } from "../providers/command/connection";
import { sshKeyPair } from "../../test/support/sshKeys";
import { commandProvider, diffInputs } from "../providers/command/command";
import { localCommand } from "../providers/command/local";
import { goQuote, Lines } from "../providers/command/output";
import { checkInputs, inputKeys } from "../providers/command/remote";
import { exitError, run } from "../providers/command/run";
import { Host } from "../providers/server";
import { Obj, Secret } from "../providers/values";

const keys = () => sshKeyPair();
const context = (lines: string[] = []) => ({
  signal: new AbortController().signal,
  status: (line: string) => void lines.push(line),
});

/** An SSH server on loopback that lets one key in and answers every command by the given function. */
async function withServer(
  answer: (channel: import("ssh2").ServerChannel, end: () => void) => void,
  use: (connection: Obj, hostKey: string) => Promise<void>,
): Promise<void> {
  const [host, user] = [keys(), keys()];
  const allowed = utils.parseKey(user.public);
  assert.ok(!(allowed instanceof Error));
  const clients: { end(): void }[] = [];
  const server = new Server({ hostKeys: [host.private] }, (client) => {
    clients.push(client);
    client.on("error", () => undefined);
    client.on("authentication", (auth) => {
      if (auth.method !== "publickey" || !auth.key.data.equals(allowed.getPublicSSH())) {
        return auth.reject(["publickey"]);
      }
      auth.accept();
    });
    client.on("tcpip", (accept, _reject, { destIP, destPort }) => {
      const channel = accept();
      channel.pipe(net.connect(destPort, destIP)).pipe(channel);
    });
    client.on("session", (accept) =>
      accept().on("exec", (acceptExec) => answer(acceptExec(), () => client.end())),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as net.AddressInfo;
    await use(
      {
        host: "127.0.0.1",
        port,
        user: "root",
        privateKey: user.private,
        dialErrorLimit: 0,
        hostKey: host.public,
      },
      host.public,
    );
  } finally {
    for (const client of clients) client.end();
    server.close();
  }
}

const request = (onLine: (line: string) => void = () => undefined) => ({
  command: "sh -s",
  stdin: "secret script",
  logging: "stdoutAndStderr" as const,
  onLine,
  signal: new AbortController().signal,
});

describe("lab providers: command", () => {
  const agent = process.env.SSH_AUTH_SOCK;
  // Of whoever runs the tests.
  beforeEach(() => delete process.env.SSH_AUTH_SOCK);
  after(() => {
    if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
  });

  it("has the SDK's version", () => {
    const sdk = JSON.parse(
      readFileSync(require.resolve("@pulumi/command/package.json"), "utf8"),
    ) as {
      pulumi: { version: string };
    };
    assert.equal(sdk.pulumi.version, "1.2.1");
  });

  it("takes a host key bare and as a known_hosts line", () => {
    const key = keys().public;
    const [type, data] = key.split(" ");
    for (const text of [key, `[10.0.0.2]:22 ${key}`, `# comment\n10.0.0.2 ${key} someone`]) {
      assert.deepEqual(parseHostKey(text), { type, data });
    }
    assert.throws(
      () => parseHostKey("ssh-ed25519 nonsense"),
      /failed to parse host key: ssh: no key found/,
    );
    assert.throws(() => parseHostKey("10.0.0.2 ssh-rsa " + data), /no key found/);
  });

  it("words errors as Go does", () => {
    assert.equal(
      dialError("10.77.0.2", 2222, Object.assign(new Error("x"), { code: "EHOSTUNREACH" })).message,
      "dial tcp 10.77.0.2:2222: connect: no route to host",
    );
    assert.equal(exitError(0, undefined), undefined);
    assert.equal(exitError(3, undefined), "Process exited with status 3");
    assert.equal(exitError(null, "SIGKILL"), "Process exited with status 137 from signal KILL");
    assert.equal(
      exitError(undefined, undefined),
      "wait: remote command exited without exit status or exit signal",
    );
    assert.equal(goQuote('a "b"\n\\\u0001é'), '"a \\"b\\"\\n\\\\\\x01é"');
  });

  it("wants the SSH agent that SSH_AUTH_SOCK names to answer, and tries no dial without", async () => {
    const connection = { host: "127.0.0.1", port: 1, privateKey: keys().private };
    for (const [agent, why] of [
      ["/nonexistent/agent", "no such file or directory"],
      [__filename, "connection refused"],
    ] as const) {
      process.env.SSH_AUTH_SOCK = agent;
      await assert.rejects(dial(connection, context()), {
        message: `dial unix ${agent}: connect: ${why}`,
      });
      await assert.rejects(
        dial({ ...connection, proxy: connection }, context()),
        /^Error: dial unix/,
      );
    }
  });

  it("tries once more than the limit, and tells of every failure", async () => {
    const lines: string[] = [];
    let tries = 0;
    const failing = () => {
      tries++;
      return Promise.reject(new Error("no"));
    };
    await assert.rejects(
      dialWithRetry(context(lines), "Dial", 2, failing),
      /^Error: after 2 failed attempts: no$/,
    );
    assert.deepEqual(lines, ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
    assert.equal(tries, 3);
  });

  it("loses the host's words when it tries again from a jump host, as the real one does", async () => {
    await withServer(
      (channel) => channel.end(),
      async (connection) => {
        const proxy = connection;
        const through = { ...connection, privateKey: keys().private, proxy };
        await assert.rejects(
          dial({ ...through, dialErrorLimit: 2 }, context()),
          /^Error: proxy: after 2 failed attempts: ssh: handshake failed: EOF$/,
        );
        await assert.rejects(
          dial({ ...through, dialErrorLimit: 0 }, context()),
          /^Error: proxy: after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate/,
        );
      },
    );
  });

  it("refuses what it does not know, and fills in the connection's defaults as a secret", () => {
    const { inputs, failures } = checkInputs({
      create: "true",
      connection: { host: "h", password: null },
    });
    assert.deepEqual(failures, []);
    assert.deepEqual(
      inputs.connection,
      new Secret({ port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15, host: "h" }),
    );
    const names = (news: Obj) => checkInputs(news).failures.map((failure) => failure.property);
    assert.deepEqual(names({ create: "true" }), ["connection"]);
    assert.deepEqual(names({ connection: {} }), ["connection.host"]);
    assert.deepEqual(
      names({
        connection: { host: "h", prox: 1, proxy: { port: 1 } },
        environment: {},
        interpreter: [],
        logging: "all",
      }),
      ["environment", "interpreter", "logging", "connection.prox", "connection.proxy.host"],
    );
  });

  it("replaces on triggers, updates on anything else", () => {
    const olds: Obj = {
      create: "a",
      triggers: ["x", 1],
      connection: new Secret({ host: "h", port: 22 }),
      stdout: "o",
    };
    assert.equal(
      diffInputs(olds, { ...olds, connection: new Secret({ port: 22, host: "h" }) }, inputKeys)
        .size,
      0,
    );
    assert.deepEqual(
      [
        ...diffInputs(
          olds,
          {
            ...olds,
            create: "b",
            triggers: ["x", 2, 3],
            connection: new Secret({ host: "i" }),
          },
          inputKeys,
        ),
      ],
      [
        ["connection", { kind: "update", replace: false, inputDiff: false }],
        ["create", { kind: "update", replace: false, inputDiff: false }],
        ["triggers[1]", { kind: "update", replace: true, inputDiff: false }],
        ["triggers[2]", { kind: "add", replace: true, inputDiff: false }],
      ],
    );
    assert.deepEqual([...diffInputs({ stdin: "s" }, {}, inputKeys).values()][0]?.kind, "delete");
  });

  it("cuts output into lines, and says so where the official provider would hang", () => {
    const lines: string[] = [];
    const cut = new Lines((line) => lines.push(line));
    cut.add("a\r\nb");
    cut.add("c\n\nd");
    cut.end();
    assert.deepEqual(lines, ["a", "bc", "", "d"]);
    assert.throws(() => cut.add("x".repeat(64 * 1024)), /longer than 64 KiB/);
  });

  it("runs a command, its script on stdin, and drops one final newline", async () => {
    const lines: string[] = [];
    let script = "";
    await withServer(
      (channel) => {
        channel.on("data", (text: Buffer) => (script += text.toString()));
        channel.once("end", () => {
          channel.write("one\ntwo\n\n");
          channel.stderr.write("warn\n");
          channel.exit(0);
          channel.end();
        });
      },
      async (connection) => {
        const dialled = await dial(connection, context());
        assert.deepEqual(
          await run(
            dialled,
            request((line) => lines.push(line)),
          ),
          {
            stdout: "one\ntwo\n",
            stderr: "warn",
          },
        );
        dialled.end();
      },
    );
    assert.equal(script, "secret script");
    assert.deepEqual(
      lines.filter((line) => line !== "warn"),
      ["one", "two", ""],
    );
  });

  it("names the command and the output, not the script, when it fails or is cut off", async () => {
    await withServer(
      (channel) => {
        channel.write("before\n");
        channel.exit(3);
        channel.end();
      },
      async (connection) => {
        const dialled = await dial(connection, context());
        await assert.rejects(run(dialled, request()), {
          message: 'Process exited with status 3: running "sh -s":\nbefore\n',
        });
        dialled.end();
      },
    );
    await withServer(
      (_channel, end) => end(),
      async (connection) => {
        const dialled = await dial(connection, context());
        await assert.rejects(run(dialled, request()), {
          message:
            'wait: remote command exited without exit status or exit signal: running "sh -s":\n',
        });
      },
    );
  });

  it("ends a command whose line is too long to tell, on the host as here, and says why", async () => {
    const tooLong = /^Error: a line of output is longer than 64 KiB/;
    await withServer(
      (channel) => {
        channel.on("error", () => undefined);
        channel.write("x".repeat(64 * 1024));
      },
      async (connection) => {
        const dialled = await dial(connection, context());
        await assert.rejects(run(dialled, request()), tooLong);
      },
    );
    const urn = "urn:pulumi:a::b::command:local:Command::c";
    const local = commandProvider(localCommand(new Host()));
    const inputs = { create: "head -c 65536 /dev/zero | tr '\\0' x; exec sleep 60" };
    await assert.rejects(local.create(urn, inputs, false, 0), tooLong);
    const quiet = await local.create(
      urn,
      { create: "head -c 65536 /dev/zero", logging: "none" },
      false,
      0,
    );
    assert.equal((quiet.state.stdout as string).length, 65536);
  });

  it("runs a command here, with what the last one wrote, and words its end as Go does", async () => {
    const urn = "urn:pulumi:a::b::command:local:Command::c";
    const local = commandProvider(localCommand(new Host()));
    const inputs = {
      create: 'cat; echo " $NAME"; echo warn >&2',
      update: 'echo "$PULUMI_COMMAND_STDOUT"',
      delete: "exit 3",
      stdin: "hello",
      environment: { NAME: "edge" },
    };
    const { id, state } = await local.create(urn, inputs, false, 0);
    assert.match(id, /^c[0-9a-f]{8}$/);
    assert.deepEqual(state, { ...inputs, stdout: "hello edge", stderr: "warn" });
    const updated = await local.update(urn, id, state, inputs, false, 0, []);
    assert.equal(updated.stdout, "hello edge");
    await assert.rejects(local.delete(urn, id, state, 0), {
      message: 'exit status 3: running "exit 3":\n',
    });
  });

  it("checks the host's key and its own", async () => {
    await withServer(
      () => undefined,
      async (connection) => {
        await assert.rejects(dial({ ...connection, hostKey: keys().public }, context()), {
          message: "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        });
        await assert.rejects(dial({ ...connection, privateKey: keys().private }, context()), {
          message:
            "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
            "attempted methods [none publickey], no supported methods remain",
        });
        await assert.rejects(dial({ ...connection, privateKey: "nonsense" }, context()), {
          message: "ssh: no key found",
        });
        const { hostKey: _hostKey, ...unverified } = connection;
        void _hostKey;
        (await dial(unverified, context())).end();
      },
    );
  });
});
