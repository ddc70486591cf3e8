// Writes test/record anew: npm run record
// Shows what is behind the digests: npm run record -- <configuration> [name of a resource]
import * as fs from "node:fs";
import * as path from "node:path";
import { canonical, recordedGraph, records } from "./record";

async function main([configuration, name]: string[]): Promise<void> {
  if (configuration !== undefined) {
    const { registrations } = await recordedGraph(configuration);
    for (const each of registrations) {
      if (name !== undefined && each.name !== name) continue;
      const inputs: unknown = JSON.parse(canonical({ ...each.inputs, __provider: undefined }));
      console.log(`${each.urn}\n${JSON.stringify(inputs, undefined, 2)}`);
    }
    return;
  }
  const folder = path.join(__dirname, "../record");
  for (const file of fs.readdirSync(folder).filter((each) => each.endsWith(".txt"))) {
    fs.rmSync(path.join(folder, file));
  }
  for await (const [file, text] of records()) {
    fs.writeFileSync(path.join(folder, file), text);
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
