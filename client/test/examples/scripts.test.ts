import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { needsDaemon, startDaemon } from "../client/daemon.js";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../../../examples/", import.meta.url));

for (const name of ["todos.mjs", "todos.py"]) {
  test(`${name} starts with the command that it names`, needsDaemon, async (t) => {
    const daemon = await startDaemon(t);
    await symlink(process.env["SETLOGGER_BINARY"]!, join(daemon.data, "setlogger"));
    const source = readFileSync(join(folder, name), "utf8");
    const command = /^(?:\/\/|#)\s+(SETLOGGER_TOKEN=.*)$/m.exec(source)?.[1] ?? "";
    const env = { ...process.env, PATH: `${daemon.data}:${process.env["PATH"]}`, SETLOGGER_DATA: daemon.data, SETLOGGER_URL: daemon.url };
    const { stdout } = await run("bash", ["-c", command], { cwd: folder, env });
    assert.equal(stdout, "[ ] Buy milk\n");
    const refused = run("bash", ["-c", command.replace("--scope todos:rw", "--scope other:rw")], { cwd: folder, env });
    await assert.rejects(refused, (error: { stderr: string }) => /Buy milk|scopes/.test(error.stderr));
  });
}
