import assert from "node:assert/strict";
import fc from "fast-check";
import { barCharts, Chart } from "../../../lib/chart";
import { markdownTable, textTable } from "../../../lib/table";

const chart: Chart = {
  title: "Memory",
  unit: " MiB",
  series: [
    { name: "request", color: "#00f" },
    { name: "measured", color: "#f00" },
  ],
  rows: [
    { label: "activator", note: "limit 300 MiB", values: [30, 60] },
    { label: "speaker", values: [undefined, 15.26] },
  ],
};

/** The tags of an SVG that are left open; throws on text that XML does not allow. */
function openTags(svg: string): string[] {
  const open: string[] = [];
  const rest = svg.replace(
    /<(\/?)(\w+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, end, name, _attributes, single) => {
      if (end) {
        assert.equal(open.pop(), name);
      } else if (!single) {
        open.push(name);
      }
      return "";
    },
  );
  assert.doesNotMatch(rest, /[<>]|&(?!amp;|lt;|gt;|quot;)/);
  return open;
}

describe("bar charts", () => {
  it("have a bar for each value, as long as the value", () => {
    const svg = barCharts([chart]);
    const bars = [
      ...svg.matchAll(/<rect x="370" y="[\d.]+" width="([\d.]+)" height="10" fill="(#\w+)"/g),
    ];
    const own = bars.filter(([, length]) => length !== "10");
    assert.deepEqual(
      own.map(([, length, color]) => [Number(length), color]),
      [
        [240, "#00f"],
        [480, "#f00"],
        [122.08, "#f00"],
      ],
    );
    for (const text of [
      "Memory",
      "activator",
      "limit 300 MiB",
      "30 MiB",
      "60 MiB",
      "not known",
      "15.3 MiB",
      "request",
    ]) {
      assert.ok(svg.includes(`>${text}</text>`), text);
    }
  });

  it("keep both ends of a label that would run out of the picture", () => {
    const label = `default/${"long".repeat(20)}-00001-deployment-6fbd8c6b7c-wz8qp`;
    const svg = barCharts([{ ...chart, rows: [{ label, values: [1, 2] }] }]);
    assert.match(svg, />default\/long[^<]*…[^<]*6fbd8c6b7c-wz8qp</);
    assert.ok(!svg.includes(label));
  });

  it("stand below each other in one document", () => {
    const svg = barCharts([chart, { ...chart, title: "CPU" }]);
    assert.equal(svg.match(/<svg/g)?.length, 1);
    assert.match(svg, /translate\(0 0\)/);
    assert.match(svg, /translate\(0 148\)/);
  });

  it("are well-formed whatever the texts, and never draw what is not a number", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(
          fc.record({
            label: fc.string(),
            values: fc.array(fc.option(fc.nat(), { nil: undefined })),
          }),
        ),
        (title, rows) => {
          const svg = barCharts([{ ...chart, title, rows }]);
          assert.deepEqual(openTags(svg), []);
          assert.doesNotMatch(svg, /="(NaN|-?Infinity|undefined)"/);
        },
      ),
    );
  });

  it("of nothing are empty", () => {
    assert.deepEqual(openTags(barCharts([{ ...chart, rows: [] }])), []);
    assert.deepEqual(openTags(barCharts([])), []);
  });
});

describe("tables", () => {
  const columns = [{ title: "pod" }, { title: "CPU", align: "right" as const }];

  it("align text and numbers", () => {
    assert.equal(
      textTable(columns, [["activator", "150m"], ["a"]]),
      ["pod         CPU", "---------  ----", "activator  150m", "a"].join("\n"),
    );
  });

  it("are Markdown too, with bars in cells escaped", () => {
    assert.equal(
      markdownTable(columns, [["a|b", "1m"], ["c"]]),
      ["| pod | CPU |", "| --- | ---: |", "| a\\|b | 1m |", "| c |  |"].join("\n"),
    );
  });
});
