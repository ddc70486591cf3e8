/** What upstream's suites say of their cases. */
import { textTable } from "../../lib/table";

/** A case of a suite. */
export interface Case {
  /** As upstream names it, such as `headers/probe`. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  seconds: number;
  /** The last line that it logged, where it did not pass. */
  reason?: string;
}

/** What begins a line of the test program itself, where others may print too. */
const marker = "\u0016";

/**
 * Reads what a test program of Go prints with `-test.v=test2json`, line by line (src/testing/testing.go in Go): in this form it
 * tells of a case when it ends. Cases run side by side, so a line such as `=== NAME  <case>` says whose the next ones are.
 */
export class CaseReader {
  public readonly cases: Case[] = [];
  private readonly logged = new Map<string, string>();
  private current = "";

  /** @returns the case that ended with the line */
  public read(text: string): Case | undefined {
    const line = text.startsWith(marker) ? text.slice(marker.length) : text;
    const [, running] = /^=== (?:RUN|CONT|NAME|PAUSE)\s+(\S+)/.exec(line) ?? [];
    if (running !== undefined) {
      this.current = running;
      return undefined;
    }
    const [, outcome, title = "", seconds] =
      /^--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)/.exec(line) ?? [];
    if (outcome === undefined) {
      this.log(line);
      return undefined;
    }
    // The suite of ingresses is one test, and skips all cases but one.
    const reason = this.reasonOf(title);
    if (title === "TestIngress" || reason?.endsWith("Skipping the test in skip-test flag"))
      return undefined;
    const ended: Case = {
      name: title.replace(/^TestIngress\//, ""),
      outcome: outcome === "PASS" ? "passed" : outcome === "FAIL" ? "failed" : "skipped",
      seconds: Number(seconds),
      ...(outcome !== "PASS" && { reason }),
    };
    this.cases.push(ended);
    return ended;
  }

  /** `    file.go:12: words`; the lines of the suite's own logger have no such beginning. */
  private log(line: string): void {
    const [, words] = /^\s+(\w+\.go:\d+: .*)$/.exec(line) ?? [];
    if (words !== undefined) this.logged.set(this.current, words);
  }

  /** The last words of the case or of a part of it. */
  private reasonOf(title: string): string | undefined {
    const own = [...this.logged].filter(([name]) => name === title || name.startsWith(`${title}/`));
    return own.at(-1)?.[1];
  }
}

/** A table of the cases by name, and how many there are of each outcome. */
export function casesText(cases: Case[]): string {
  const rows = [...cases]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ name, outcome, seconds, reason = "" }) => [name, outcome, seconds.toFixed(1), reason]);
  const columns = ["case", "outcome", "s", "reason"].map((title) => ({ title }));
  const count = (outcome: Case["outcome"]): number =>
    cases.filter((each) => each.outcome === outcome).length;
  const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
  return `${textTable(columns, rows)}\n\n${passed} passed, ${failed} failed, ${skipped} skipped`;
}
