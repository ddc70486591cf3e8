import { stackConfig } from "./engine";
void stackConfig("edge2", JSON.parse(process.argv[2] ?? "{}"));
