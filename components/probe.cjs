// Asks a service until it answers, from the machine that runs Pulumi. Reads PROBE_URL, PROBE_ADDRESS and
// PROBE_TIMEOUT (seconds) from the environment, says on stderr what it waits for, and prints one line of JSON.
const dns = require("node:dns/promises");
const http = require("node:http");

const url = new URL(process.env.PROBE_URL);
const address = process.env.PROBE_ADDRESS;
const started = Date.now();
const deadline = started + Number(process.env.PROBE_TIMEOUT) * 1000;

main();

async function main() {
  const via = (await resolves(url.hostname)) ? "url" : "address";
  let last;
  while (Date.now() < deadline) {
    const attempt = await ask(via === "url" ? url.hostname : address).catch(
      (error) => error.message,
    );
    if (typeof attempt !== "string" && attempt.status < 400) {
      const seconds = Math.round((Date.now() - started) / 100) / 10;
      console.log(JSON.stringify({ via, ...attempt, seconds }));
      return;
    }
    const now = typeof attempt === "string" ? attempt : `HTTP status ${attempt.status}`;
    if (now !== last) console.error(`waiting for ${url.href}: ${now}`);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  console.error(
    `${url.href} did not answer within ${process.env.PROBE_TIMEOUT} s, asked by ` +
      `${via === "url" ? "its name" : `the address ${address}, for its name does not resolve here`}: ${last}. ` +
      "Check that this machine reaches the load balancer address and that no firewall stands between.",
  );
  process.exitCode = 1;
}

/** Whether the name leads to the load balancer from here; a resolver may drop answers with private addresses. */
async function resolves(name) {
  try {
    const found = await dns.lookup(name, { all: true });
    return found.some((entry) => entry.address === address);
  } catch {
    return false;
  }
}

function ask(host) {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        host,
        port: url.port || 80,
        path: url.pathname,
        headers: { Host: url.host },
        timeout: 10_000,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text) => (body += text));
        response.on("end", () =>
          resolve({ status: response.statusCode, body: body.slice(0, 200) }),
        );
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer within 10 s")));
    request.on("error", reject);
  });
}
