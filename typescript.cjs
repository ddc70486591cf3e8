// Node.js loads this before a program in TypeScript: `node --require ./typescript.cjs <file>`.
const Module = require("node:module");

const javaScript = Module._extensions[".js"];
require("tsx/cjs");
// tsx looks into each JavaScript file for what it might translate. Pulumi's SDK and its packages are a thousand such
// files, and none has anything: that would take as long as all else that a program does until it starts.
Module._extensions[".js"] = javaScript;
// Source maps take another fifth, because the SDK notes for each resource where it was made. Who looks for a line of
// TypeScript in a stack trace asks for them: `NODE_OPTIONS=--enable-source-maps pulumi preview`.
process.setSourceMapsEnabled(/--enable-source-maps/.test(process.env.NODE_OPTIONS ?? ""));
