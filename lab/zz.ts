import { mochaGlobalSetup } from "../test/support/labSetup";
import { NodesStack } from "../test/support/nodesStack";
import { previewSteps } from "../test/support/lab";
void (async () => {
  await mochaGlobalSetup();
  const s = new NodesStack("edge11", ["edge12"]);
  await s.createAll();
  await s.up(); await s.configure(s.workerEntries(["edge12"]));
  console.log(await s.up());
  const steps = await previewSteps("edge11", ["--refresh"]);
  for (const step of steps) {
    console.log(step.op, step.urn, JSON.stringify(step.detailedDiff));
    if (step.op !== "refresh") { console.log(JSON.stringify(step.oldState?.inputs)); console.log(JSON.stringify(step.newState?.inputs)); }
  }
  process.exit(0);
})();
