import { isRecord } from "./json";
import { markdownTable } from "./table";

/** A case of a budget, as the stack's output `budget` has it. */
interface Case {
  title: string;
  fits: boolean;
  requests: Record<string, string>;
}

/**
 * How a budget moves, as a Markdown table: what each case requests, before and after.
 * @param old The stack's output `budget` of the last up; anything else where there is none.
 * @param now The budget to come, as budgetOutput gives it.
 */
export function budgetMove(old: unknown, now: object): string {
  const before = casesOf(old);
  const rows = Object.entries(casesOf(now)).map(([name, { title, fits, requests }]) => {
    const moves = ["cpu", "memory"].map((resource) =>
      move(before[name]?.requests[resource], requests[resource] ?? ""),
    );
    return [title, ...moves, fits ? "yes" : "**no**"];
  });
  return markdownTable(
    [
      { title: "What runs" },
      { title: "CPU requested", align: "right" },
      { title: "Memory requested", align: "right" },
      { title: "Fits" },
    ],
    rows,
  );
}

function move(old: string | undefined, now: string): string {
  return old === undefined || old === now ? now : `${old} → ${now}`;
}

function casesOf(budget: unknown): Record<string, Case> {
  return isRecord(budget) && isRecord(budget.cases) ? (budget.cases as Record<string, Case>) : {};
}
