/** Files of lab tests run side by side, and mocha reports each when it has ended: this says meanwhile what is at work. */
import path from "node:path";

export const mochaHooks = {
  beforeEach(this: Mocha.Context): void {
    const { title, file = "" } = this.currentTest ?? {};
    console.log(
      `${new Date().toTimeString().slice(0, 8)} ${path.basename(file, ".test.ts")}: ${title}`,
    );
  },
};
