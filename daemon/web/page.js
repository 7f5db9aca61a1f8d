// Draws GET /v1/status, every two seconds while the tab is seen. The token never leaves this tab and this daemon.
const at = (id) => document.getElementById(id);
const KEY = "setlogger.token";
const STATES = { idle: "all is synced", syncing: "syncing", offline: "offline", problem: "needs you" };

class Refused extends Error {}

async function call(method, path) {
  const token = sessionStorage.getItem(KEY);
  if (!token) throw new Refused("");
  const answer = await fetch(path, { method, headers: { Authorization: `Bearer ${token}` }, redirect: "error" });
  const body = await answer.json();
  if (answer.status === 401) throw new Refused(body.detail);
  if (!answer.ok) throw new Error(`${body.detail} ${body.hint ?? ""}`);
  return body;
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
  box.append(element("p", `${problem.subject}: ${problem.detail}`), element("p", problem.hint, "hint"));
  return box;
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
    row([b.name, count(b.nodes), count(b.entries), count(b.pending), size(b.bytes), b.remotes.join(", ") || "none"])));
  at("remotes").replaceChildren(...s.remotes.map((r) =>
    row([r.name, r.path, element("td", STATES[r.state] ?? r.state, r.state), count(r.pending), when(r.last_sync)])));
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

async function refresh() {
  try {
    draw(await call("GET", "v1/status"));
    showLogin(false, "");
  } catch (error) {
    if (error instanceof Refused) {
      sessionStorage.removeItem(KEY);
      showState("offline", "locked");
      showLogin(true, error.message);
      return;
    }
    showState("problem", "the daemon does not answer");
  }
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("token").value.trim());
  at("token").value = "";
  refresh();
});

at("sync").addEventListener("click", async () => {
  at("sync").disabled = true;
  try {
    await call("POST", "v1/sync");
  } catch { /* the status says why */ }
  at("sync").disabled = false;
  refresh();
});

refresh();
setInterval(() => { if (!document.hidden && at("login").hidden) refresh(); }, 2000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && at("login").hidden) refresh(); });
