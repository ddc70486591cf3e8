/** Whether places on the internet can be reached from this machine. */

/** How long a place may take to answer, in milliseconds. */
const patience = 3000;

/**
 * The HTTP status with which a place answers a HEAD request, or undefined if no answer comes within three seconds.
 * Node's fetch uses no proxy, like a lab host: what this machine reaches, a host reaches by NAT.
 */
export async function statusOf(url: string): Promise<number | undefined> {
  return fetch(url, { method: "HEAD", signal: AbortSignal.timeout(patience) }).then(
    ({ status }) => status,
    () => undefined,
  );
}
