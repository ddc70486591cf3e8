import { Budget, budgetOutput } from "./budget";
import { isRecord } from "./json";
import { markdownTable } from "./table";

/**
 * How a budget moves, as a Markdown table: what each case requests, before and after.
 * @param old The stack's output `budget` of the last up; anything else where there is none.
 * @param now The budget to come.
 */
export function budgetMove(old: unknown, now: Budget): string {
  const before = isRecord(old) && isRecord(old.requests) ? old.requests : {};
  const { requests } = budgetOutput(now);
  const rows = now.cases.map(({ name, title, fits }) => [
    title,
    move(before[name], requests[name] ?? ""),
    fits ? "yes" : "**no**",
  ]);
  return markdownTable([{ title: "What runs" }, { title: "Requests" }, { title: "Fits" }], rows);
}

function move(old: unknown, now: string): string {
  return typeof old !== "string" || old === now ? now : `${old} → ${now}`;
}
