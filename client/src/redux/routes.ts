/** Bucket names by path pattern: `{"/:user/:list": "lists/:user/:list"}`. The first that fits counts. */
export type Routes = Readonly<Record<string, string>>;

/** The routes unless others are given: the first name of a path is the bucket's. */
export const defaultRoutes: Routes = { "/:bucket": ":bucket" };

/** Where a path leads; `id` is empty for a bucket as a whole. */
export interface Target {
  readonly bucket: string;
  readonly id: string;
}

type Route = { readonly pattern: RegExp; readonly template: string };

const compiled = new WeakMap<Routes, readonly Route[]>();

/** Finds where a path leads; nothing when no route fits. What follows the matched names and a `/` is the node's id, as it stands. */
export function targetOf(routes: Routes, path: unknown): Target | undefined {
  if (typeof path !== "string" || path[0] !== "/") return undefined;
  for (const { pattern, template } of routesOf(routes)) {
    const groups = pattern.exec(path)?.groups;
    if (groups) return { bucket: template.replace(/:(\w+)/g, (_, name: string) => groups[name] ?? ""), id: groups["$"] ?? "" };
  }
  return undefined;
}

function routesOf(routes: Routes): readonly Route[] {
  let all = compiled.get(routes);
  if (!all) compiled.set(routes, (all = Object.entries(routes).map(([pattern, template]) => ({ pattern: compile(pattern), template }))));
  return all;
}

function compile(pattern: string): RegExp {
  const names = pattern.split("/").slice(1).filter((name) => name !== "…" && name !== "*");
  const steps = names.map((name) => (name[0] === ":" ? `(?<${name.slice(1)}>[^/]+)` : name.replace(/[^\w]/g, "\\$&")));
  return new RegExp(`^/${steps.join("/")}(?:/(?<$>[^]*))?$`);
}
