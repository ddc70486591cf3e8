const milliseconds: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration as Go writes it, which Knative's ConfigMaps and annotations use: `2s`, `500ms`, `1m30s`, `0`.
 * @returns undefined for a text that is none.
 */
export function durationMs(text: string): number | undefined {
  if (text === "0") {
    return 0;
  }
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    return undefined;
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce(
    (sum, [, number, unit]) => sum + Number(number) * (milliseconds[unit ?? ""] ?? 0),
    0,
  );
}

/** Milliseconds as seconds with two digits, for people: `1.52 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
