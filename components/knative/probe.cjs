// Asks a service until it answers, from the machine that runs Pulumi. Reads PROBE_URL, PROBE_ADDRESS, PROBE_CA (PEM, if
// there is one) and PROBE_TIMEOUT (seconds) from the environment, says on stderr what it waits for, and prints one line of
// JSON.
const dns = require("node:dns/promises");
const http = require("node:http");
const https = require("node:https");
const tls = require("node:tls");

const url = new URL(process.env.PROBE_URL);
const address = process.env.PROBE_ADDRESS;
const [client, port] = url.protocol === "https:" ? [https, 443] : [http, 80];
const ca = process.env.PROBE_CA && [...tls.rootCertificates, process.env.PROBE_CA];
/** Set once it is known whom to ask: a resolver that is silent may take longer than the service is given. */
let deadline;

/** Statuses above 399 that only a service gives: who it is for, or how it wants to be asked. Of 404 nobody can tell. */
const refusals = [401, 403, 405, 415, 426];
/** As much of the answer as is reported, in characters. */
const bodyLength = 200;
/** How long one request may take, in milliseconds. */
const patience = 10_000;

// Until there is an answer: Node.js ends with 0 when nothing is left to wait for, and Pulumi keeps what that printed.
process.exitCode = 1;
main();

async function main() {
  const via = (await resolves(url.hostname)) ? "url" : "address";
  const started = Date.now();
  deadline = started + Number(process.env.PROBE_TIMEOUT) * 1000;
  let last;
  while (Date.now() < deadline) {
    const attempt = await ask(via === "url" ? url.hostname : address).catch((error) => error);
    const failed = attempt instanceof Error;
    if (!failed && (attempt.status < 400 || refusals.includes(attempt.status))) {
      const seconds = Math.round((Date.now() - started) / 100) / 10;
      console.log(JSON.stringify({ via, ...attempt, seconds }));
      process.exitCode = 0;
      return;
    }
    const now = failed ? attempt.message : `HTTP status ${attempt.status}`;
    // What the deadline cut short tells less than what was seen before it.
    if (last === undefined || !attempt.cutShort) {
      if (now !== last) console.error(`waiting for ${url.href}: ${now}`);
      last = now;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  console.error(
    `${url.href} did not answer within ${process.env.PROBE_TIMEOUT} s, asked by ` +
      `${via === "url" ? "its name" : `the address ${address}, for its name does not resolve here`}: ${last}. ` +
      "Check that this machine reaches the load balancer address and that no firewall stands between; where the service " +
      "does not answer at this path, set its field probe to another path, or to false.",
  );
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

/** One request. It settles in time, whatever the other side does. */
async function ask(host) {
  const milliseconds = Math.max(1, Math.min(patience, deadline - Date.now()));
  const signal = AbortSignal.timeout(milliseconds);
  const answer = { body: "" };
  try {
    const response = await new Promise((resolve, reject) => {
      client
        .get(
          {
            host,
            port: url.port || port,
            // Whoever is asked by address must still prove the name.
            servername: url.hostname,
            ...(ca && { ca }),
            path: url.pathname + url.search,
            headers: { Host: url.host },
            agent: false,
            signal,
          },
          resolve,
        )
        .on("error", reject);
    });
    answer.status = response.statusCode;
    for await (const text of response.setEncoding("utf8")) {
      answer.body = (answer.body + text).slice(0, bodyLength);
      if (answer.body.length === bodyLength) break;
    }
    return answer;
  } catch (error) {
    if (!signal.aborted) {
      throw error.code === "ECONNRESET" ? new Error("the connection was cut") : error;
    }
    // A stream need not have an end.
    if (answer.body !== "") return answer;
    const silence = new Error(`no answer within ${milliseconds / 1000} s`);
    throw Object.assign(silence, { cutShort: milliseconds < patience });
  }
}
