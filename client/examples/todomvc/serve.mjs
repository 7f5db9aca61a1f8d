// Builds the page and serves it on loopback: npm run todomvc [PORT]
import { context } from "esbuild";

const folder = new URL(".", import.meta.url).pathname;
const built = await context({ entryPoints: [`${folder}app.tsx`], bundle: true, format: "esm", jsx: "automatic", outdir: folder, write: false });
const { port } = await built.serve({ host: "127.0.0.1", port: Number(process.argv[2] ?? 8080), servedir: folder });
console.log(`Todos: http://127.0.0.1:${port}/`);
