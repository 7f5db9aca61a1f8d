import { openView, type ViewNode } from "setlogger/static";
import { Rows } from "./rows.js";

/** Where the share is, and which of its buckets is shown: `?share=URL&bucket=NAME`. */
const query = new URLSearchParams(location.search);
const bucket = query.get("bucket") ?? "cities";
const url = new URL(query.get("share") ?? "share/", location.href).href;

const ROW = 72; // pixels, as in the style sheet
const MARGIN = 10; // rows that are drawn beyond the screen, at each end
const AHEAD = 60; // rows that are read before they come into sight
const POLL = 30_000; // milliseconds

const list = document.querySelector<HTMLElement>("#list")!;
const status = document.querySelector<HTMLElement>("#status")!;
const number = new Intl.NumberFormat();
const countries = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

function element(name: string, text: string, parent: HTMLElement): HTMLElement {
  const made = document.createElement(name);
  made.className = name === "div" ? "" : name;
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Draws a node: as a city where it looks like one, else as it is. */
function draw(row: HTMLElement, node: ViewNode | undefined): void {
  row.replaceChildren();
  row.dataset["id"] = node?.id ?? "";
  if (!node) return;
  const { name, country, population, lat, lon } = node.value;
  const isCity = typeof name === "string" && typeof country === "string" && /^[A-Z]{2}$/.test(country);
  element("i", isCity ? country : "•", row);
  const text = element("div", "", row);
  element("b", isCity ? name : node.id, text);
  element("small", isCity ? `${countries.of(country)} · ${degrees(lat, "N", "S")} ${degrees(lon, "E", "W")}` : JSON.stringify(node.value), text);
  if (typeof population === "number" && population > 0) element("data", number.format(population), row);
}

function degrees(value: unknown, above: string, below: string): string {
  return typeof value === "number" ? `${Math.abs(value).toFixed(2)}° ${value < 0 ? below : above}` : "";
}

async function start(): Promise<void> {
  const view = await openView({ url, bucket, chunks: 2 });
  const drawn = new Map<number, { row: HTMLElement; rev: string }>();
  const rows = new Rows(view, show, (nodes) => list.dispatchEvent(new CustomEvent("page", { detail: nodes, bubbles: true })));

  function show(): void {
    const first = Math.max(0, Math.floor((scrollY - list.offsetTop) / ROW) - MARGIN);
    const end = first + Math.ceil(innerHeight / ROW) + 2 * MARGIN;
    const slice = rows.slice(first, end + AHEAD).slice(0, end - first);
    for (const [at, { row }] of drawn) {
      if (at >= first && at < first + slice.length) continue;
      row.remove();
      drawn.delete(at);
    }
    slice.forEach((node, i) => place(first + i, node));
    list.style.height = `${rows.count * ROW}px`;
    status.textContent = `${number.format(rows.count)} of ${number.format(view.size)}${rows.trouble ? " · trying again" : ""}`;
  }

  function place(at: number, node: ViewNode | undefined): void {
    let known = drawn.get(at);
    const rev = node ? `${node.id} ${node.rev}` : "";
    if (!known) {
      known = { row: element("article", "", list), rev: "-" };
      known.row.style.transform = `translateY(${at * ROW}px)`;
      drawn.set(at, known);
    }
    if (known.rev === rev) return;
    known.rev = rev;
    draw(known.row, node);
  }

  let asked = 0;
  const soon = (): void => void (asked ||= requestAnimationFrame(() => {
    asked = 0;
    show();
  }));
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  addEventListener("focus", () => rows.refresh());
  setInterval(() => document.hidden || rows.refresh(), POLL);
  document.querySelector("h1")!.textContent = bucket[0]!.toUpperCase() + bucket.slice(1);
  show();
}

start().catch((error: unknown) => {
  status.textContent = `${url} has no view of ${bucket} that can be read: ${error instanceof Error ? error.message : String(error)}`;
});
