// What a hostile page can do. attack(base, calls, patience) tries every way on every call of the server at base, and answers what it
// could read: [{way, call, read}]. Each request names its way and its call in the query, for the relay's record.

const within = (ms, promise) => Promise.race([promise, new Promise((end) => setTimeout(end, ms, ""))]);

// loaded waits for an element to load or to fail, and reads it.
function loaded(element, read, start = () => document.body.append(element)) {
  return new Promise((end) => {
    element.onload = () => end(read(element));
    element.onerror = () => end("");
    start();
  }).finally(() => element.remove());
}

const inFrame = (frame) => {
  try {
    return frame.contentDocument.body.innerText;
  } catch {
    return "";
  }
};

const make = (tag, values) => Object.assign(document.createElement(tag), values);

function form(method, enctype) {
  return (url, call) => {
    const frame = make("iframe", { name: `f${Math.random()}`, hidden: true });
    const sent = make("form", { method, enctype, action: url, target: frame.name, hidden: true });
    for (const [name, value] of [...new URL(url).searchParams, [call.body || "{}", ""]]) sent.append(make("input", { name, value }));
    document.body.append(frame, sent);
    return loaded(frame, inFrame, () => sent.submit()).finally(() => sent.remove());
  };
}

function fetched(how) {
  return async (url, call) => {
    const answer = await fetch(url, how(call));
    return answer.type === "opaque" ? "" : `${answer.status} ${(await answer.text()).slice(0, 300)}`;
  };
}

function socket(protocols) {
  return (url) =>
    new Promise((end) => {
      const s = new WebSocket(url.replace("http", "ws"), protocols);
      s.onopen = () => end("open");
      s.onclose = () => end("");
    });
}

function events(url) {
  const source = new EventSource(url, { withCredentials: true });
  return new Promise((end) => {
    source.onopen = () => end("open");
    source.onerror = () => end("");
  }).finally(() => source.close());
}

const text = (call) => ({ method: "POST", body: call.body || "{}", headers: { "Content-Type": "text/plain" } });
const json = { "Content-Type": "application/json" };
const body = (call) => (call.method === "GET" ? undefined : call.body || undefined);

const ways = {
  "form GET": form("GET", ""),
  "form POST urlencoded": form("POST", "application/x-www-form-urlencoded"),
  "form POST multipart": form("POST", "multipart/form-data"),
  "form POST text": form("POST", "text/plain"),
  image: (src) => loaded(make("img", { src }), () => "image"),
  script: (src) => loaded(make("script", { src }), () => "script"),
  module: (src) => loaded(make("script", { src, type: "module" }), () => "module"),
  stylesheet: (href) => loaded(make("link", { href, rel: "stylesheet" }), () => "stylesheet"),
  frame: (src) => loaded(make("iframe", { src, hidden: true }), inFrame),
  "fetch no-cors": fetched(() => ({ mode: "no-cors", credentials: "include" })),
  "fetch no-cors POST": fetched((call) => ({ ...text(call), mode: "no-cors", credentials: "include" })),
  "fetch no-cors POST, no body": fetched(() => ({ method: "POST", mode: "no-cors" })),
  "fetch cors": fetched(() => ({ mode: "cors" })),
  "fetch cors, credentials": fetched(() => ({ mode: "cors", credentials: "include" })),
  "fetch cors POST text": fetched((call) => ({ ...text(call), mode: "cors" })),
  "fetch JSON, own method": fetched((call) => ({ method: call.method, body: body(call), headers: json })),
  "fetch with a token": fetched((call) => ({ method: call.method, body: body(call), headers: { ...json, Authorization: "Bearer x" } })),
  "fetch with an override": fetched((call) => ({ method: "POST", headers: { "X-HTTP-Method-Override": call.method } })),
  "beacon text": (url, call) => void navigator.sendBeacon(url, call.body || "{}"),
  "beacon JSON": (url, call) => void navigator.sendBeacon(url, new Blob([call.body || "{}"], { type: "application/json" })),
  "event source": events,
  "WebSocket": socket([]),
  "WebSocket setlogger.v1": socket(["setlogger.v1"]),
  "WebSocket with a token": socket(["setlogger.v1", "bearer.x"]),
};

async function attack(base, calls, patience) {
  const all = [];
  const tryWay = ([way, run]) => {
    const one = async (call, i) => {
      const url = `${base || location.origin}${call.target}${call.target.includes("?") ? "&" : "?"}way=${encodeURIComponent(way)}&call=${i}`;
      const tried = Promise.resolve().then(() => run(url, call));
      all.push({ way, call: i, read: (await within(patience, tried).catch(() => "")) || "" });
    };
    return Promise.all(calls.map(one));
  };
  const isSocket = ([way]) => way.startsWith("WebSocket");
  const sockets = Object.entries(ways).filter(isSocket).map(tryWay); // the browser has each that fails wait, so all wait at once
  for (const way of Object.entries(ways)) if (!isSocket(way)) await tryWay(way);
  await Promise.all(sockets);
  return all;
}

// attackInFrame has the page's frame attack.
function attackInFrame(...how) {
  return new Promise((end) => {
    addEventListener("message", (event) => end(event.data), { once: true });
    document.querySelector("iframe").contentWindow.postMessage(how, "*");
  });
}

if (parent !== window) addEventListener("message", async (event) => parent.postMessage(await attack(...event.data), "*"));

// work is what an app's page does with its token: it appends, reads, hears of it, and tries another bucket.
async function work(base, token, bucket, other) {
  const headers = { Authorization: `Bearer ${token}`, ...json };
  const call = async (path, how = {}) => {
    const answer = await fetch(base + path, { headers, ...how });
    return `${answer.status} ${await answer.text()}`;
  };
  const heard = new Promise((end, fail) => {
    const s = (window.stream = new WebSocket(`${base.replace("http", "ws")}/v1/stream`, ["setlogger.v1", `bearer.${token}`]));
    const messages = [];
    s.onopen = () => s.send(JSON.stringify({ subscribe: bucket }));
    s.onmessage = (event) => messages.push(event.data) && event.data.includes("by the page") && end(messages.join("\n"));
    s.onclose = (event) => fail(new Error(`closed with ${event.code}`));
    window.streamEnded = new Promise((ended) => s.addEventListener("close", (event) => ended(event.code)));
  });
  const action = JSON.stringify({ type: "CREATE_NODE", id: "p", properties: { text: "by the page" } });
  return {
    append: await call(`/v1/buckets/${bucket}/actions`, { method: "POST", body: action }),
    read: await call(`/v1/buckets/${bucket}/nodes/p`),
    heard: await heard,
    other: await call(`/v1/buckets/${other}/nodes`),
    written: await call(`/v1/buckets/${other}/actions`, { method: "POST", body: action }),
    apps: await call("/v1/apps"),
  };
}
