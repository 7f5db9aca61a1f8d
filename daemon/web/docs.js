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

const resolved = (part) => (part.$ref ? part.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : part);

function bodies(content) {
  return Object.entries(content ?? {}).map(([kind, media]) => {
    const item = media["x-oai-itemSchema"];
    const data = item?.properties?.data?.contentSchema ?? item;
    return `${data ? `stream of ${shape(data)}` : shape(media.schema)} (${kind})`;
  }).join(", ");
}

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));

// exampleOf is one that bears a name, in the content of a body.
function exampleOf(content, name) {
  for (const media of Object.values(content ?? {})) if (media.examples?.[name]) return media.examples[name].value;
}

// request is the call that an example makes: its first line, its headers and its body.
function request(verb, path, call, name) {
  const given = (call.parameters ?? []).filter((p) => p.examples?.[name]).map((p) => [p.in, p.name, p.examples[name].value]);
  const query = given.filter(([place]) => place === "query").flatMap(([, key, value]) => [value].flat().map((one) => `${key}=${one}`)).join("&");
  const filled = given.filter(([place]) => place === "path").reduce((text, [, key, value]) => text.replace(`{${key}}`, encodeURIComponent(value)), path);
  const headers = given.filter(([place]) => place === "header").map(([, key, value]) => `${key}: ${value}`);
  const body = exampleOf(call.requestBody?.content, name);
  return [`${verb.toUpperCase()} ${filled}${query && `?${query}`}`, ...headers, ...(body === undefined ? [] : [shown(body)])].join("\n");
}

// examples draws each example of a call, in the order in which they can be made.
function examples(path, verb, call) {
  const all = Object.entries(call.responses).flatMap(([status, r]) =>
    [r["x-examples"], ...Object.values(r.content ?? {}).map((media) => media.examples)].flatMap((some) =>
      Object.entries(some ?? {}).filter(([, e]) => !e.$ref).map(([name, e]) => ({ status, name, ...e }))));
  const made = document.createElement("div");
  if (all.length) made.append(element("p", "Examples", "soft"));
  for (const e of all.sort((a, b) => a["x-order"] - b["x-order"])) {
    made.append(element("p", e.summary), element("pre", request(verb, path, call, e.name)), element("pre", `${e.status}\n${e.value === undefined ? "" : shown(e.value)}`.trim()));
  }
  return made;
}

function draw(path, verb, call) {
  const made = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(element("span", verb.toUpperCase(), "verb"), element("code", path), ` ${call.summary ?? ""}`);
  made.append(summary, element("p", call.description ?? ""));
  made.append(list("Parameters", (call.parameters ?? []).map((p) => [p.name, `${p.in}, ${shape(p.schema)}`, p.description])));
  if (call.requestBody) made.append(list("Body", [[bodies(call.requestBody.content), "", call.requestBody.description]]));
  made.append(list("Answers", Object.entries(call.responses).map(([status, r]) => [status, bodies(resolved(r).content), resolved(r).description])));
  made.append(list("Takes", [[call.security.map((one) => one.token?.join(" ") ?? "").join(" or ") || (call.security[0]?.token ? "any token" : "no token"), "", ""]]));
  made.append(examples(path, verb, call));
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
