/** A part of a picture: SVG elements whose coordinates begin at its upper left corner. */
export interface Drawing {
  lines: string[];
  height: number;
}

const gap = 24;

/** Drawings below each other, as one SVG document that needs no font and no style sheet beside it. */
export function svgDocument(drawings: readonly Drawing[], width: number): string {
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
