/** A column of a table. Numbers align to the right. */
export interface Column {
  title: string;
  align?: "left" | "right";
}

/** A table for a terminal. Columns are as wide as their widest cell, with two spaces between and none at the end. */
export function textTable(columns: Column[], rows: string[][]): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const line = (cells: string[]): string =>
    columns
      .map(({ align }, index) => {
        const [cell, width] = [cells[index] ?? "", widths[index] ?? 0];
        return align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
  ].join("\n");
}

/** The same table in Markdown. */
export function markdownTable(columns: Column[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map((row) =>
      line(columns.map((_, index) => (row[index] ?? "").replaceAll("|", "\\|"))),
    ),
  ].join("\n");
}
