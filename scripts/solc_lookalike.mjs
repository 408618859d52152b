#!/usr/bin/env node
// Answers as the native `solc` does, with npm's solc inside, so that py-solc-x can drive it where no
// native compiler of the pinned version is installed.
//
// Understood: --version, --standard-json, --base-path, --include-path (repeatable), --allow-paths,
// and "-" (standard input). In --standard-json mode nothing but the compiler's JSON is written to
// standard output. Exit code 0 when JSON was written, 1 for a call that is not understood.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const OPTIONS = {
  version: { type: "boolean" },
  "standard-json": { type: "boolean" },
  "base-path": { type: "string", default: "." },
  "include-path": { type: "string", multiple: true, default: [] },
  "allow-paths": { type: "string", default: "" },
};

const require = createRequire(import.meta.url);

/** Whether `path` is `folder` or lies inside it. */
function isWithin(path, folder) {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}

/** Reads imports below the base and include paths; refuses what lies outside the allowed folders. */
function importReader(values) {
  const roots = [values["base-path"], ...values["include-path"]].map((root) => resolve(root));
  const allowed = [
    ...roots,
    ...values["allow-paths"]
      .split(",")
      .filter(Boolean)
      .map((p) => resolve(p)),
  ].map((folder) => realpathSync(folder));
  return (name) => {
    for (const root of roots) {
      let path;
      try {
        path = realpathSync(join(root, name));
      } catch {
        continue;
      }
      if (!allowed.some((folder) => isWithin(path, folder))) {
        return { error: `File outside of allowed directories: ${name}` };
      }
      return { contents: readFileSync(path, "utf8") };
    }
    return { error: `File not found: ${name}` };
  };
}

function main() {
  const { values } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.version) {
    process.stdout.write("solc, the solidity compiler commandline interface\n");
    process.stdout.write(`Version: ${require("solc").version()}\n`);
    return;
  }
  if (!values["standard-json"])
    throw new Error("only --version and --standard-json are understood");
  const input = readFileSync(0, "utf8");
  const solc = require("solc");
  process.stdout.write(solc.compile(input, { import: importReader(values) }) + "\n");
}

try {
  main();
} catch (problem) {
  process.stderr.write(`solc_lookalike: ${problem.message}\n`);
  process.exitCode = 1;
}
