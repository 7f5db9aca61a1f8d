import { afterStamp, compareStamps, FIRST_STAMP, laterStamp, MAX_WALL, type Stamp } from "./mark.js";

/** How far ahead of the wall clock a foreign stamp may pull, in milliseconds. */
const MAX_LEAD = 5 * 60 * 1000;

/** Hands out stamps that only rise. Times are Unix milliseconds. */
export class Clock {
  /** the highest stamp handed out or observed */
  watermark: Stamp = FIRST_STAMP;

  /** A stamp above the watermark and above the highest stamp that a write touches. */
  next(now: number, above: Stamp): Stamp {
    return laterStamp(wall(now), laterStamp(afterStamp(this.watermark), afterStamp(above)));
  }

  /** Follows a foreign stamp, but no further than five minutes ahead of the wall clock. */
  observe(now: number, foreign: Stamp): void {
    const most = wall(now + MAX_LEAD);
    this.watermark = laterStamp(this.watermark, compareStamps(foreign, most) < 0 ? foreign : most);
  }
}

/** The lowest stamp of a moment; before 1970 the first one, after 2099 the end of 2099. */
export function wall(now: number): Stamp {
  return { ms: Math.min(Math.max(Math.floor(now), 0), MAX_WALL), tick: 0 };
}
