import type { EdgeConfig } from "../../stack/config";
import { isRecord } from "../../lib/json";
import { dayOf, endOf } from "../../components/tls/certificate";
import { issuerText } from "../../components/tls/certificateFacts";

/**
 * What certificate the gateway serves HTTPS with, and until when, a Markdown list item; none for a stack without HTTPS.
 * @param old The stack's outputs of the last up; anything else where there is none.
 * @param isAnother Whether the preview makes another certificate.
 */
export function certificateMove(
  old: unknown,
  { tls }: Pick<EdgeConfig, "tls">,
  isAnother: boolean,
): string[] {
  const { certificate } = isRecord(old) ? old : {};
  const { ends } = isRecord(certificate) ? certificate : {};
  const before = typeof ends === "string" ? until(new Date(ends)) : undefined;
  if (tls === undefined) {
    return before === undefined ? [] : ["- none: services answer by HTTP alone from then on"];
  }
  const { issuer } = tls;
  const another =
    issuer.kind === "given"
      ? until(endOf(issuer.pair.certificate))
      : `a new one by ${issuer.kind === "ca" ? "the stack's own CA" : issuerText(issuer)}`;
  const now = isAnother || before === undefined ? another : before;
  return [`- ${before === undefined || before === now ? now : `${before} → ${now}`}`];
}

function until(end: Date): string {
  return `valid until ${dayOf(end)}`;
}
