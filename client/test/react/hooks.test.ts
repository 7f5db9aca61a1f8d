import assert from "node:assert/strict";
import { before, test, type TestContext } from "node:test";
import { Window } from "happy-dom";
import { createElement as h, StrictMode, type ReactNode } from "react";
import { combineReducers, createStore } from "redux";
import { createNode, setlogger, setloggerReducer, setProperty, type Path } from "../../src/redux/index.js";
import { SetLoggerProvider, useNode, useNodes, usePage, useStatus } from "../../src/react/index.js";
import { needsDaemon, startDaemon, until, type Daemon } from "../client/daemon.js";
import { reach } from "../redux/device.js";

before(() => {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: false });
  if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: { userAgent: "" } });
});

/** Draws a component over a store tied to a daemon. */
async function draw(t: TestContext, daemon: Daemon, component: () => ReactNode) {
  const { createRoot } = await import("react-dom/client");
  const store = createStore(combineReducers({ sync: setloggerReducer }), setlogger(reach(daemon)));
  const box = document.createElement("div");
  const root = createRoot(box);
  t.after(() => {
    root.unmount();
    store.setlogger.close();
  });
  root.render(h(StrictMode, null, h(SetLoggerProvider, { store }, h(component))));
  const shows = (text: string) => until(`${text}, not ${box.textContent}`, () => box.textContent === text, (look) => new (window as any).MutationObserver(look).observe(box, { childList: true, subtree: true, characterData: true }));
  return { store, box, shows };
}

test("useNode and useStatus draw what is edited here and elsewhere", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const { store, shows } = await draw(t, daemon, () => {
    const node = useNode<{ title: string }>("/todos/1");
    const { connected, pending } = useStatus();
    return `${node?.title ?? "none"} ${connected} ${pending}`;
  });
  await shows("none true 0");
  store.dispatch(createNode("/todos/1", { title: "Milk" }));
  await shows("Milk true 0");
  await daemon.client.append("todos", { type: "SET_PROPERTY", id: "1", property: "title", value: "Bread" });
  await shows("Bread true 0");
  await daemon.kill();
  store.dispatch(setProperty("/todos/1", "title", "Eggs"));
  await shows("Eggs false 1");
  await daemon.start();
  await shows("Eggs true 0");
});

test("usePage loads its first page, and more when asked", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.client.appendMany("todos", [1, 2, 3].map((n) => ({ type: "CREATE_NODE", id: `${n}`, properties: { n } })));
  let ask = () => {};
  const { shows } = await draw(t, daemon, () => {
    const page = usePage<{ n: number }>("/todos", { order: "-n", limit: 2 });
    ask = page.loadMore;
    return `${page.nodes.map(({ value }) => value.n).join()} ${page.more}`;
  });
  await shows("3,2 true");
  ask();
  await shows("3,2,1 false");
});

test("a node that does not change is not drawn again", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const drawn: Record<string, number> = {};
  const One = ({ path }: { path: Path }) => {
    const node = useNode<{ n: number }>(path);
    drawn[path] = (drawn[path] ?? 0) + 1;
    return `${node?.n ?? "-"} `;
  };
  const { store, shows } = await draw(t, daemon, () => [h(One, { path: "/todos/1", key: 1 }), h(One, { path: "/todos/2", key: 2 })]);
  store.dispatch(createNode("/todos/1", { n: 1 }));
  store.dispatch(createNode("/todos/2", { n: 2 }));
  await store.setlogger.idle();
  await shows("1 2 ");
  const before = drawn["/todos/1"];
  store.dispatch(setProperty("/todos/2", "n", 3));
  await store.setlogger.idle();
  await shows("1 3 ");
  assert.equal(drawn["/todos/1"], before);
});

test("useNodes draws all of a bucket; without a provider hooks say so", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.client.append("todos", { type: "CREATE_NODE", id: "b" });
  const { store, shows } = await draw(t, daemon, () => useNodes("/todos").map(({ id }) => id).join());
  await shows("b");
  store.dispatch(createNode("/todos/a"));
  await shows("a,b");
  const { renderToString } = await import("react-dom/server");
  assert.throws(() => renderToString(h(() => String(useStatus()))), /SetLoggerProvider/);
  assert.equal(renderToString(h(SetLoggerProvider, { store }, h(() => useNodes("/todos").length))), "2");
});
