import { useState, useSyncExternalStore, type FormEvent } from "react";
import { createRoot } from "react-dom/client";
import { createClient, pair } from "setlogger/client";
import { SetLoggerProvider, useNode, useStatus } from "setlogger/react";
import { dismiss } from "setlogger/redux";
import { add, makeStore, move, remove, rename, selectOrder, show, toggle, url, type State, type Store, type Todo } from "./store.js";

const KEY = `todomvc ${url}`;

/** Asks the person to let the app in: on a click, as browsers first ask whether the page may reach this device. */
function Door({ enter }: { enter: (token: string) => void }) {
  const [said, say] = useState("");
  async function ask() {
    try {
      const token = await pair(createClient({ url }), { name: "TodoMVC", scopes: ["todos:rw"] }, { onCode: ({ code }) => say(`Compare ${code} at ${url}`) });
      localStorage.setItem(KEY, token);
      enter(token);
    } catch (error) {
      say(String(error));
    }
  }
  return <p><button onClick={() => void ask()}>Connect to SetLogger</button> <output>{said}</output></p>;
}

function useStore<T>(store: Store, select: (state: State) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.getState()));
}

function Row({ store, id, index, filter }: { store: Store; id: string; index: number; filter: string }) {
  const todo = useNode<Todo & Record<string, unknown>>(`/todos/${id}`);
  if (!todo || (filter !== "all" && todo.done !== (filter === "done"))) return null;
  const drop = (from: number) => from !== index && store.dispatch(move(from, index));
  return (
    <li draggable onDragStart={(e) => e.dataTransfer.setData("text/plain", String(index))} onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => drop(Number(e.dataTransfer.getData("text/plain")))}>
      <input type="checkbox" checked={todo.done} onChange={(e) => store.dispatch(toggle(id, e.target.checked))} />
      <span contentEditable suppressContentEditableWarning onBlur={(e) => e.target.textContent !== todo.title && store.dispatch(rename(id, e.target.textContent ?? ""))}>{todo.title}</span>
      <button aria-label="delete" onClick={() => store.dispatch(remove(id, index))}>×</button>
    </li>
  );
}

function Banner({ store }: { store: Store }) {
  const { connected, pending, problems } = useStatus();
  return (
    <>
      {!connected && <p className="banner">Offline: {pending} to send. Go on, nothing is lost.</p>}
      {problems.map((problem, i) => <p key={i} className="banner">{problem.detail} {problem.hint} {problem.key && <button onClick={() => store.dispatch(dismiss(problem.key!))}>OK</button>}</p>)}
    </>
  );
}

function List({ store }: { store: Store }) {
  const order = useStore(store, selectOrder);
  const filter = useStore(store, (state) => state.filter);
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const field = event.currentTarget.elements.namedItem("title") as HTMLInputElement;
    if (field.value.trim()) store.dispatch(add(field.value.trim(), order.length));
    field.value = "";
  }
  return (
    <>
      <Banner store={store} />
      <form onSubmit={submit}><input name="title" placeholder="What needs to be done?" autoFocus /></form>
      <ul>{order.map((id, index) => <Row key={id} {...{ store, id, index, filter }} />)}</ul>
      <p>{["all", "open", "done"].map((name) => <button key={name} disabled={name === filter} onClick={() => store.dispatch(show(name))}>{name}</button>)}</p>
    </>
  );
}

function App() {
  const [store, open] = useState(() => (localStorage.getItem(KEY) ? makeStore(localStorage.getItem(KEY)!) : undefined));
  if (!store) return <Door enter={(token) => open(makeStore(token))} />;
  return <SetLoggerProvider store={store}><List store={store} /></SetLoggerProvider>;
}

createRoot(document.getElementById("app")!).render(<App />);
