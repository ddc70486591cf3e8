import { setTimeout as sleep } from "node:timers/promises";
import { retryAfter } from "../../lib/retryAfter";

/** How a download is tried again. */
export interface Retry {
  /** Waits before the next attempt. Defaults to a timer; tests give their own. */
  pause?: (milliseconds: number) => Promise<unknown>;
}

/** How often a file is asked for at most, the first time included. */
const attempts = 4;

/** The longest pause before another attempt, in milliseconds, even if the server asks for a longer one. */
const longestPause = 30_000;

/** How long one attempt may take, in milliseconds. */
const timeout = 60_000;

/** Codes of Node.js and of its fetch (undici) for a connection that broke or was never made. */
const transientCodes =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_\w+)$/;

/** An attempt that failed, and whether another may succeed. */
interface Failure {
  /** `answers 404 Not Found`, or `cannot be downloaded: ` and the cause. */
  reason: string;
  isTransient: boolean;
  /** What the server asks to wait, in milliseconds. */
  retryAfter?: number;
  cause?: unknown;
}

/**
 * Downloads a file. After a broken connection, a timeout, a 5xx, 408 or 429 it tries again, up to four times in all; the
 * pauses are 1, 2 and 4 seconds, or what the answer's Retry-After asks for, up to 30 seconds.
 * @throws Error with the last failure, which begins with the URL.
 */
export async function download(url: string, { pause = sleep }: Retry = {}): Promise<Buffer> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await downloadOnce(url);
    if (Buffer.isBuffer(result)) {
      return result;
    }
    const { reason, isTransient, retryAfter, cause } = result;
    if (!isTransient || attempt === attempts) {
      const tried = attempt === 1 ? "" : ` (attempt ${attempt})`;
      throw new Error(`${url} ${reason}${tried}`, { cause });
    }
    await pause(Math.min(retryAfter ?? 1000 * 2 ** (attempt - 1), longestPause));
  }
}

async function downloadOnce(url: string): Promise<Buffer | Failure> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeout) });
    const { ok, status, statusText, headers } = response;
    if (ok) {
      return Buffer.from(await response.arrayBuffer());
    }
    await response.body?.cancel();
    return {
      reason: `answers ${status} ${statusText}`.trimEnd(),
      isTransient: status >= 500 || status === 429 || status === 408,
      retryAfter: retryAfter(headers.get("retry-after")),
    };
  } catch (error) {
    // The reason is in the cause; the message is only "fetch failed" or "terminated".
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    return {
      reason: `cannot be downloaded: ${cause?.message || cause?.code || message}`,
      isTransient: name === "TimeoutError" || transientCodes.test(cause?.code ?? ""),
      cause: error,
    };
  }
}
