// Adds a todo for each argument, then prints all. Start it by one command, with Node 20 or later and nothing else:
//   SETLOGGER_TOKEN=$(setlogger app add todos --scope todos:rw) node todos.mjs "Buy milk"
const { SETLOGGER_TOKEN, SETLOGGER_URL = "http://127.0.0.1:7373" } = process.env;

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${SETLOGGER_TOKEN}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  const answer = await fetch(SETLOGGER_URL + path, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${said.detail} (${said.hint ?? answer.status})`);
  return said;
}

await call("POST", "/v1/buckets", { name: "todos" });
for (const title of process.argv.slice(2)) {
  const id = crypto.randomUUID();
  await call("POST", "/v1/buckets/todos/actions", { type: "CREATE_NODE", id, properties: { title, done: false } });
}
const { nodes } = await call("GET", "/v1/buckets/todos/nodes");
for (const { value } of nodes) console.log(value.done ? "[x]" : "[ ]", value.title);
