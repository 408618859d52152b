import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

// npm's compiler, so that nothing is downloaded; version and settings are those of scripts/compile.py.
const path = require.resolve("solc/soljson.js");
const { version, settings } = JSON.parse(
  readFileSync(new URL("contracts/compiler.json", import.meta.url), "utf8"),
);

// The tests deploy the artifacts that these settings give, and are themselves compiled by the older
// pipeline: that takes seconds instead of minutes.
const testSettings = { ...settings, viaIR: false, optimizer: { enabled: false } };
const tests = globSync("tests/solidity/**/*.sol", { cwd: import.meta.dirname });

export default defineConfig({
  solidity: {
    compilers: [{ version, path, settings }],
    overrides: Object.fromEntries(
      tests.map((test) => [test, { version, path, settings: testSettings }]),
    ),
    npmFilesToBuild: [
      "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol",
      "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol",
    ],
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./tests/solidity" },
    cache: "./build/hardhat/cache",
    artifacts: "./build/hardhat/artifacts",
  },
  test: {
    solidity: {
      fuzz: { runs: 256, seed: "0x5354" },
      invariant: { runs: 64, depth: 32, failOnRevert: true },
      fsPermissions: { readDirectory: ["build/hardhat/artifacts", "tests/vectors"] },
    },
  },
});
