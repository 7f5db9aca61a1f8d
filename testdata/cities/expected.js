// Says, without any of SetLogger's code, what `setlogger export` must print after `setlogger import --id FIELD`.
//
//   node expected.js FIELD < input.ndjson            prints "COUNT SHA256" of the export
//   node expected.js FIELD --print < input.ndjson    prints the export itself
//
// Each line is the object with FIELD taken out and `id` put in (a number becomes its decimal string), in the canonical
// form of RFC 8785; the lines stand in the order of the ids' UTF-8 bytes. RFC 8785 writes numbers and strings as
// ECMAScript's JSON.stringify does and sorts members by UTF-16 code units, which is what Array.prototype.sort does.
"use strict";

const { createHash } = require("node:crypto");
const { readFileSync, writeSync } = require("node:fs");

function canonical(value) {
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return "[" + value.map(canonical).join(",") + "]";
  }
  const members = Object.keys(value).sort();
  return "{" + members.map((k) => JSON.stringify(k) + ":" + canonical(value[k])).join(",") + "}";
}

function exported(line, field) {
  const { [field]: id, ...value } = JSON.parse(line);
  if (id === undefined || "id" in value) {
    throw new Error("line without " + field + ", or with an id of its own: " + line);
  }
  return { key: Buffer.from(String(id), "utf8"), line: canonical({ ...value, id: String(id) }) + "\n" };
}

const [field, print] = process.argv.slice(2);
const byID = new Map(); // a later line of the same id stands for the earlier one
for (const line of readFileSync(0, "utf8").split("\n")) {
  if (line !== "") {
    const node = exported(line, field);
    byID.set(node.key.toString("utf8"), node);
  }
}
const nodes = [...byID.values()].sort((a, b) => Buffer.compare(a.key, b.key));
const output = Buffer.from(nodes.map((n) => n.line).join(""), "utf8");
if (print === "--print") {
  for (let done = 0; done < output.length; ) {
    done += writeSync(1, output, done);
  }
} else {
  console.log(nodes.length + " " + createHash("sha256").update(output).digest("hex"));
}
