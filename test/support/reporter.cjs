"use strict";
// Mocha's spec reporter, and under it one line that counts: `N passed, N failed`. With COUNTS_FILE set the counts
// are appended there as well, so that several runs can be added up.
const fs = require("node:fs");
const { Spec } = require("mocha").reporters;

module.exports = class Reporter extends Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : "";
    console.log(`${passes} passed, ${failures} failed${skipped}`);
    if (process.env.COUNTS_FILE) {
      fs.appendFileSync(process.env.COUNTS_FILE, `${passes} ${failures} ${pending}\n`);
    }
  }
};
