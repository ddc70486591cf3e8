/**
 * How long a server asks to wait before the next request, in milliseconds.
 * @param header Its Retry-After header: seconds, or a date.
 * @returns undefined where it is absent or neither.
 */
export function retryAfter(header: string | null | undefined): number | undefined {
  const text = header ?? "";
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
