import type { openEvents as open } from "./events.js";

/** In place of events.ts where a program is bundled for browsers: all have WebSocket. */
export const openEvents: typeof open = () => {
  throw new Error("no event streams in browsers");
};
