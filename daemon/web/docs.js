// Draws /openapi.json: each call with its parameters and answers, then the shapes they name.
const at = (id) => document.getElementById(id);

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

const named = (ref) => ref.split("/").pop();

function shape(schema) {
  if (!schema) return "any";
  if (schema.$ref) return named(schema.$ref);
  if (schema.type === "array" || schema.type?.includes?.("array")) return `[${shape(schema.items)}]`;
  if (schema.additionalProperties?.type) return `{name: ${shape(schema.additionalProperties)}}`;
  return [schema.type ?? "any"].flat().join(" or ");
}

function list(title, pairs) {
  const made = document.createElement("div");
  if (!pairs.length) return made;
  made.append(element("p", title, "soft"));
  const table = document.createElement("table");
  for (const [name, kind, text] of pairs) {
    const row = document.createElement("tr");
    const first = document.createElement("td");
    first.append(element("code", name));
    row.append(first, element("td", kind, "soft"), element("td", text ?? ""));
    table.append(row);
  }
  made.append(table);
  return made;
}

function bodies(content) {
  return Object.entries(content ?? {}).map(([kind, media]) => `${shape(media.schema)} (${kind})`).join(", ");
}

function draw(path, verb, call) {
  const made = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(element("span", verb.toUpperCase(), "verb"), element("code", path), ` ${call.summary ?? ""}`);
  made.append(summary, element("p", call.description ?? ""));
  made.append(list("Parameters", (call.parameters ?? []).map((p) => [p.name, `${p.in}, ${shape(p.schema)}`, p.description])));
  if (call.requestBody) made.append(list("Body", [[bodies(call.requestBody.content), "", call.requestBody.description]]));
  made.append(list("Answers", Object.entries(call.responses).map(([status, r]) => [status, bodies(r.content), r.description])));
  return made;
}

function drawShape([name, schema]) {
  const made = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(element("code", name));
  made.append(summary, list(schema.description ?? "", Object.entries(schema.properties ?? {}).map(([key, p]) => [key, shape(p), p.description])));
  return made;
}

const api = await (await fetch("openapi.json")).json();
at("version").textContent = api.info.version;
at("about").textContent = api.info.description;
at("calls").append(element("h2", "Calls"));
for (const [path, calls] of Object.entries(api.paths)) {
  for (const [verb, call] of Object.entries(calls)) at("calls").append(draw(path, verb, call));
}
at("shapes").append(element("h2", "Shapes"), ...Object.entries(api.components.schemas).map(drawShape));
