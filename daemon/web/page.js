// Draws what GET /v1/events tells while the tab is seen; where that fails, GET /v1/status every two seconds. The token never
// leaves this tab and this daemon.
import { events } from "./events.js";

const at = (id) => document.getElementById(id);
const KEY = "setlogger.token";
const STATES = { idle: "all is synced", syncing: "syncing", offline: "offline", problem: "needs you" };

class Refused extends Error {}

// send makes a call and answers what came, unless it is an error.
async function send(method, path, more = {}) {
  const token = sessionStorage.getItem(KEY);
  if (!token) throw new Refused("");
  const answer = await fetch(path, { method, headers: { Authorization: `Bearer ${token}` }, redirect: "error", ...more });
  if (answer.ok) return answer;
  const body = await answer.json();
  if (answer.status === 401) throw new Refused(body.detail);
  throw new Error(`${body.detail} ${body.hint ?? ""}`);
}

async function call(method, path) {
  const answer = await send(method, path);
  return answer.status === 204 ? {} : answer.json();
}

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function row(cells) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    made.append(cell instanceof Node ? cell : element("td", cell, typeof cell === "number" ? "n" : ""));
  }
  return made;
}

const count = (n) => element("td", n.toLocaleString(), "n");
const when = (time) => (time ? new Date(time).toLocaleString() : "not yet");

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; bytes >= 1000 && i < units.length - 1; i++) bytes /= 1000;
  return element("td", `${bytes.toFixed(i && bytes < 10 ? 1 : 0)} ${units[i]}`, "n");
}

function trouble(problem) {
  const box = element("div", "", "trouble");
  box.append(element("p", `${problem.subject}: ${problem.detail}`), element("p", `${problem.cause}. ${problem.effect}`, "soft"), element("p", problem.hint, "hint"));
  if (problem.until) box.append(element("p", `Until ${when(problem.until)}`, "soft"));
  return box;
}

// use says what a remote was asked in the last hour, of what it may be, and what that costs.
function use(r) {
  const budget = r.budget ? ` of ${r.budget.toLocaleString()}` : "";
  const cost = r.estimated_month === undefined ? "" : ` ($${r.estimated_month.toFixed(2)} a month)`;
  return r.requests_per_hour.toLocaleString() + budget + cost;
}

// nodes counts a bucket's, and shows how far indexes are taken in.
function nodes(b) {
  const cell = count(b.nodes);
  if (b.joining) {
    const bar = document.createElement("progress");
    bar.max = b.joining.total || 1;
    bar.value = b.joining.done;
    bar.title = `taking in ${b.joining.done.toLocaleString()} of ${b.joining.total.toLocaleString()}`;
    cell.append(document.createElement("br"), bar);
  }
  return cell;
}

// deed is a button that makes a call and then draws anew.
function deed(text, method, path) {
  const button = element("button", text);
  button.type = "button";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call(method, path);
    } catch { /* what is drawn next says how it stands */ }
    refresh();
  });
  return button;
}

const from = (app) => app.origin || "a program on this device";

// question asks the person about an app that asks to be let in.
function question(app) {
  const box = element("div", "", "question");
  const text = element("p", "");
  text.append(element("b", app.name), `, ${from(app)}, asks to use `, element("code", app.scopes.join(" ")), ". Does it show this code?");
  const buttons = element("p", "");
  buttons.append(deed("It does: let it in", "POST", `v1/apps/${app.id}/approve`), " ", deed("Deny", "DELETE", `v1/apps/${app.id}`));
  box.append(text, element("p", app.code, "code"), buttons);
  return box;
}

function appRow(app) {
  const out = document.createElement("td");
  out.append(app.state === "active" ? deed("Revoke", "DELETE", `v1/apps/${app.id}`) : "about to fetch its token");
  return row([app.name, from(app), app.scopes.join(" "), app.used ? when(app.used) : "never", out]);
}

let drawn = "";

// drawApps draws what changed alone, so that no button moves from under a finger.
function drawApps(apps) {
  const now = JSON.stringify(apps);
  if (now === drawn) return;
  drawn = now;
  const pending = apps.filter((app) => app.state === "pending");
  const others = apps.filter((app) => app.state !== "pending");
  at("asking").replaceChildren(...pending.map(question));
  at("apps").replaceChildren(...others.map(appRow));
  at("apptable").hidden = !others.length;
  at("noapps").hidden = others.length > 0;
}

function facts(pairs) {
  at("facts").replaceChildren(...pairs.map(([name, value]) => {
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", value));
    return pair;
  }));
}

function draw(s) {
  showState(s.state, STATES[s.state] ?? s.state);
  at("problems").replaceChildren(...s.problems.map(trouble));
  facts([["Device", s.device], ["Waiting to sync", s.pending.toLocaleString()], ["Last sync", when(s.last_sync)], ["Running since", when(s.started)]]);
  at("buckets").replaceChildren(...s.buckets.map((b) =>
    row([b.name, nodes(b), count(b.entries), count(b.pending), size(b.bytes), b.remotes.join(", ") || "none"])));
  at("remotes").replaceChildren(...s.remotes.map((r) =>
    row([r.name, r.path, element("td", r.paused ? "paused" : STATES[r.state] ?? r.state, r.state), count(r.pending), when(r.last_sync), element("td", use(r), "n")])));
  at("version").textContent = s.version;
}

function showState(state, text) {
  at("state").textContent = text;
  at("state").className = `state ${state}`;
}

function showLogin(needed, why) {
  at("login").hidden = !needed;
  at("status").hidden = at("sync").hidden = needed;
  at("refused").textContent = why;
}

async function drawAll(status) {
  const apps = await call("GET", "v1/apps");
  draw(status);
  drawApps(apps.apps);
  showLogin(false, "");
}

function showFailure(error) {
  if (error instanceof Refused) {
    sessionStorage.removeItem(KEY);
    showState("offline", "locked");
    showLogin(true, error.message);
    return;
  }
  showState("problem", "the daemon does not answer");
}

async function refresh() {
  try {
    await drawAll(await call("GET", "v1/status"));
  } catch (error) {
    showFailure(error);
  }
}

let following = null; // ends the stream

// follow draws each event of the stream, until it ends or the tab is no more seen.
async function follow() {
  if (following) return;
  following = new AbortController();
  try {
    for await (const status of events(await send("GET", "v1/events", { signal: following.signal }))) await drawAll(status);
  } catch { /* the next look says how it stands */ }
  following = null;
}

const seen = () => !document.hidden && at("login").hidden;

async function look() {
  if (!seen() || following) return;
  await refresh();
  if (seen()) follow();
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("token").value.trim());
  at("token").value = "";
  refresh().then(look);
});

at("sync").addEventListener("click", async () => {
  at("sync").disabled = true;
  try {
    await call("POST", "v1/sync");
  } catch { /* the status says why */ }
  at("sync").disabled = false;
  refresh();
});

look();
setInterval(look, 2000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) following?.abort();
  else look();
});
