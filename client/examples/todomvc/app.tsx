import { useRef, useState, useSyncExternalStore, type DragEvent, type FormEvent } from "react";
import { createRoot } from "react-dom/client";
import { createClient, pair } from "setlogger/client";
import { SetLoggerProvider, useStatus } from "setlogger/react";
import { dismiss, selectReady, type Listed } from "setlogger/redux";
import { add, makeStore, move, rankAt, remove, rename, selectShown, selectTodos, show, toggle, url, type State, type Store, type Todo } from "./store.js";

const KEY = `todomvc ${url}`;

/** Asks the person to let the app in: on a click, as browsers first ask whether the page may reach this device. */
function Door({ enter }: { enter: (token: string) => void }) {
  const [code, tell] = useState("");
  const [trouble, say] = useState("");
  async function ask() {
    say("");
    try {
      const token = await pair(createClient({ url }), { name: "TodoMVC", scopes: ["todos:rw"] }, { onCode: ({ code }) => tell(code) });
      localStorage.setItem(KEY, token);
      enter(token);
    } catch (error) {
      tell("");
      say(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <section className="card door">
      <p>Your todos stay on your devices. Let this page reach them:</p>
      {code ? <p>Compare <output>{code}</output> at <a href={url} target="_blank" rel="noreferrer">{url}</a> and let it in there.</p>
        : <button className="main" onClick={() => void ask()}>Connect to SetLogger</button>}
      {trouble && <p className="banner">{trouble}</p>}
    </section>
  );
}

function useStore<T>(store: Store, select: (state: State) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.getState()));
}

function Title({ text, save }: { text: string; save: (text: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, type] = useState<string>();
  function end() {
    if (typed?.trim() && typed !== text) save(typed.trim());
    type(undefined);
  }
  return <input ref={field} className="title" aria-label="title" value={typed ?? text} onChange={(e) => type(e.target.value)} onBlur={end}
    onKeyDown={(e) => e.key === "Enter" && field.current?.blur()} />;
}

function Row({ store, todo: { id, value }, drop }: { store: Store; todo: Listed<Todo>; drop: (dragged: string) => void }) {
  function dropped(event: DragEvent) {
    event.preventDefault();
    drop(event.dataTransfer.getData("text/plain"));
  }
  return (
    <li className={value.done ? "done" : ""} data-id={id} onDragOver={(e) => e.preventDefault()} onDrop={dropped}>
      <span className="grip" draggable aria-label="drag to reorder" onDragStart={(e) => e.dataTransfer.setData("text/plain", id)}>⠿</span>
      <input type="checkbox" aria-label="done" checked={value.done} onChange={(e) => store.dispatch(toggle(id, e.target.checked))} />
      <Title text={value.title} save={(text) => store.dispatch(rename(id, text))} />
      <button className="delete" aria-label="delete" onClick={() => store.dispatch(remove(id))}>×</button>
    </li>
  );
}

function Banner({ store }: { store: Store }) {
  const { connected, pending, problems } = useStatus();
  return (
    <>
      {!connected && <p className="banner">Offline: {pending} to send. Go on, nothing is lost.</p>}
      {problems.map((problem, i) => (
        <p key={problem.key ?? i} className="banner">{problem.detail} {problem.hint} {problem.key && <button onClick={() => store.dispatch(dismiss(problem.key!))}>OK</button>}</p>
      ))}
    </>
  );
}

function Foot({ store }: { store: Store }) {
  const open = useStore(store, (state) => selectTodos(state).filter(({ value }) => !value.done).length);
  const { pending } = useStatus();
  const filter = useStore(store, (state) => state.filter);
  return (
    <footer>
      <span>{open} to do{pending > 0 && <span className="pending">, {pending} to send</span>}</span>
      <nav>{["all", "open", "done"].map((name) => <button key={name} aria-pressed={name === filter} onClick={() => store.dispatch(show(name))}>{name}</button>)}</nav>
    </footer>
  );
}

function List({ store }: { store: Store }) {
  const all = useStore(store, selectTodos);
  const shown = useStore(store, selectShown);
  const isReady = useStore(store, (state) => selectReady(state.sync, "/todos"));
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const field = event.currentTarget.elements.namedItem("new") as HTMLInputElement;
    if (field.value.trim()) store.dispatch(add(field.value.trim(), rankAt(all, all.length)));
    field.value = "";
  }
  /** A todo that is dropped on another one takes its place. */
  function drop(dragged: string, on: string) {
    const [from, to] = [dragged, on].map((id) => all.findIndex((todo) => todo.id === id)) as [number, number];
    if (from < 0 || from === to) return;
    store.dispatch(move(dragged, rankAt(all.filter(({ id }) => id !== dragged), to)));
  }
  return (
    <>
      <Banner store={store} />
      <section className="card">
        <form onSubmit={submit}><input name="new" aria-label="new todo" placeholder="What needs to be done?" autoComplete="off" autoFocus /></form>
        <ul>{shown.map((todo) => <Row key={todo.id} store={store} todo={todo} drop={(dragged) => drop(dragged, todo.id)} />)}</ul>
        {shown.length === 0 && <p className="empty">{isReady ? "Nothing here." : "Loading …"}</p>}
        <Foot store={store} />
      </section>
    </>
  );
}

function App() {
  const [store, open] = useState(() => (localStorage.getItem(KEY) ? makeStore(localStorage.getItem(KEY)!) : undefined));
  if (!store) return <Door enter={(token) => open(makeStore(token))} />;
  return <SetLoggerProvider store={store}><List store={store} /></SetLoggerProvider>;
}

createRoot(document.getElementById("app")!).render(<App />);
