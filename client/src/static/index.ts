/** A bucket read from static files, without a daemon. */
export { type Fetch, FetchError, type Fetched } from "./share.js";
export { openView, type View, type ViewChange, type ViewNode, type ViewOptions } from "./view.js";
export { readView, type ViewFile, viewPath } from "./viewfile.js";
