// Lints the OpenAPI document whose path is given, by Redocly's recommended rules, without any network. Prints what it finds.
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";

const config = await createConfig({
  extends: ["recommended"],
  rules: {
    "no-server-example.com": "off", // this server is meant to be localhost
    "no-unused-components": "off", // Event and Subscription are used by streams, whose items OpenAPI 3.1 has no place for
    "no-invalid-media-type-examples": "error",
    "no-invalid-parameter-examples": "error",
    "no-invalid-schema-examples": "error",
    "operation-description": "off",
    "tag-description": "error",
  },
});
const found = await lintFromString({ source: readFileSync(process.argv[2], "utf8"), absoluteRef: process.argv[2], config });
for (const problem of found) {
  const at = problem.location.map((place) => place.pointer).join(", ");
  console.log(`${problem.severity} ${problem.ruleId}: ${problem.message} at ${at}`);
}
process.exitCode = found.length ? 1 : 0;
