/** A group of bars: one row of a {@link barChart}. */
export interface ChartRow {
  label: string;
  /** A second line below the label, smaller. */
  note?: string;
  /** One for each series; undefined draws no bar and says "not known". */
  values: (number | undefined)[];
}

/** What a {@link barChart} shows. */
export interface Chart {
  title: string;
  /** Stands behind every number, its space included: `m`, ` MiB`. */
  unit: string;
  /** What the bars of each row are, with the colour of each. */
  series: { name: string; color: string }[];
  rows: ChartRow[];
}

/** A part of a picture: SVG elements whose coordinates begin at its upper left corner. */
export interface Drawing {
  lines: string[];
  height: number;
}

const bar = 12;
const rowGap = 10;
const labelWidth = 370;
const plotWidth = 480;
const numberWidth = 90;
/** Width of every picture. */
export const width = labelWidth + plotWidth + numberWidth;
const headHeight = 56;
const gap = 24;
/** What fits beside the bars: about 6.5 px a character. */
const longestLabel = 54;

/** Horizontal bar charts below each other, as one SVG document that needs no font and no style sheet beside it. */
export function barCharts(charts: Chart[]): string {
  return svgDocument(charts.map(barChart));
}

/** One bar chart as a part of a picture. */
export function barChart(chart: Chart): Drawing {
  return { lines: chartBody(chart), height: chartHeight(chart) };
}

function chartBody({ title, unit, series, rows }: Chart): string[] {
  const numbers = rows.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const most = Math.max(0, ...numbers);
  const rowHeight = series.length * bar + rowGap;
  return [
    text(10, 22, title, 'font-size="15" font-weight="bold"'),
    ...series.flatMap(({ name, color }, index) => {
      const x = labelWidth + index * 150;
      return [rect(x, 33, 10, 10, color), text(x + 15, 42, name)];
    }),
    ...rows.flatMap(({ label, note, values }, row) => {
      const top = headHeight + row * rowHeight;
      const middle = top + (series.length * bar) / 2 + 4;
      const right = (y: number, content: string, attributes = ""): string =>
        text(labelWidth - 10, y, shortened(content), `text-anchor="end"${attributes}`);
      return [
        ...(note === undefined
          ? [right(middle, label)]
          : [right(middle - 6, label), right(middle + 7, note, ' font-size="10" fill="#59636e"')]),
        ...series.flatMap(({ color }, index) => {
          const value = values[index];
          const length = value === undefined || most === 0 ? 0 : (value / most) * plotWidth;
          const number =
            value === undefined ? "not known" : `${Math.round(value * 10) / 10}${unit}`;
          const barTop = top + index * bar;
          return [
            ...(length > 0 ? [rect(labelWidth, barTop + 1, length, bar - 2, color)] : []),
            text(labelWidth + length + 5, barTop + bar - 2, number, 'font-size="10"'),
          ];
        }),
      ];
    }),
  ];
}

/** A label that would run out of the picture, without its middle. */
function shortened(label: string): string {
  const kept = Math.floor((longestLabel - 1) / 2);
  return label.length <= longestLabel ? label : `${label.slice(0, kept)}…${label.slice(-kept)}`;
}

function chartHeight({ series, rows }: Chart): number {
  return headHeight + rows.length * (series.length * bar + rowGap);
}

/** Drawings below each other, as one SVG document that needs no font and no style sheet beside it. */
export function svgDocument(drawings: readonly Drawing[]): string {
  let y = 0;
  const parts = drawings.map(({ lines, height }) => {
    const part = `<g transform="translate(0 ${y})">\n${lines.join("\n")}\n</g>`;
    y += height + gap;
    return part;
  });
  const height = Math.max(0, y - gap);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `font-family="sans-serif" font-size="12" fill="#1f2328">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** A filled rectangle. */
export function rect(x: number, y: number, w: number, h: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${escape(color)}"/>`;
}

/** A line of text. */
export function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes && ` ${attributes}`}>${escape(content)}</text>`;
}

/** Straight lines from point to point. */
export function polyline(points: readonly (readonly [number, number])[], color: string): string {
  const all = points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
  return `<polyline points="${all}" fill="none" stroke="${escape(color)}" stroke-width="2"/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(content: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return content.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
