import { Budget, budgetOutput } from "../../stack/budget/budget";
import { isRecord } from "../../lib/json";
import { markdownTable } from "../../lib/table";

/**
 * How a budget moves, as a Markdown table: what each case requests and what is held resident, before and after.
 * @param old The stack's output `budget` of the last up; anything else where there is none.
 * @param now The budget to come.
 */
export function budgetMove(old: unknown, now: Budget): string {
  const before = isRecord(old) && isRecord(old.requests) ? old.requests : {};
  const { requests, resident, nodes = {} } = budgetOutput(now);
  const nodesBefore = isRecord(old) && isRecord(old.nodes) ? old.nodes : {};
  const fit = (fits: boolean): string => (fits ? "yes" : "**no**");
  const rows = now.cases.map(({ name, title, fits }) => [
    title,
    move(before[name], requests[name] ?? ""),
    fit(fits),
  ]);
  return markdownTable(
    [{ title: "What runs" }, { title: "Requests" }, { title: "Fits" }],
    [
      ...rows,
      [
        `Resident memory ${now.resident.title}`,
        move(isRecord(old) ? old.resident : undefined, resident),
        fit(now.resident.fits),
      ],
      ...(now.nodes ?? []).map((node) => [
        `Node ${node.name}`,
        move(nodesBefore[node.name], nodes[node.name] ?? ""),
        fit(node.resident.fits),
      ]),
    ],
  );
}

function move(old: unknown, now: string): string {
  return typeof old !== "string" || old === now ? now : `${old} → ${now}`;
}
