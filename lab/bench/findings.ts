/** What the bench found so far; it stays when the bench ends early. */
import type { Installation } from "./byHand";
import type { Figure } from "./figures";
import type { Up } from "./report";

export class Findings {
  public readonly figures: Figure[] = [];
  public readonly comparisons: { up: Up; byHand: Installation }[] = [];
  /** Tables to print, of `fit` and `levers`. */
  public readonly tables: string[] = [];

  /** Adds a figure, or its runs to those of the figure of that name. */
  public add(figure: Figure): void {
    const known = this.figures.find(({ name }) => name === figure.name);
    if (known) known.runs.push(...figure.runs);
    else this.figures.push(figure);
  }
}
