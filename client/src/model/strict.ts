import { canonical, depthOfText, endOfString, FormatError, type Json, MAX_INTEGER, setMember } from "./json.js";

/**
 * Reads JSON text of any form, as a caller may send it, and refuses what would not come back as it went in: a name twice
 * in one object, lone surrogates, integers beyond ±2^53 (also `1e20`, which is one when written out), numbers beyond
 * float64, and more than so many levels.
 *
 * @throws FormatError
 */
export function parseStrict(text: string, deepest: number): Json {
  if (depthOfText(text) > deepest) throw new FormatError(`nested deeper than ${deepest}`);
  const reader = new Reader(text);
  const value = reader.value();
  reader.space();
  if (reader.at !== text.length) throw new FormatError("something stands behind the value");
  return value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SURROGATE = /\p{Surrogate}/u;
const WORDS: readonly (readonly [string, Json])[] = [["true", true], ["false", false], ["null", null]];

class Reader {
  at = 0;

  constructor(private readonly text: string) {}

  space(): void {
    while (/[ \t\n\r]/.test(this.text.charAt(this.at))) this.at++;
  }

  value(): Json {
    this.space();
    const first = this.text.charAt(this.at);
    if (first === "{") return this.object();
    if (first === "[") return this.array();
    if (first === '"') return this.string();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(): Json {
    const object: { [name: string]: Json } = {};
    this.list("}", () => {
      this.space();
      if (this.text.charAt(this.at) !== '"') throw new FormatError("a member without a name");
      const name = this.string();
      if (Object.hasOwn(object, name)) throw new FormatError(`the member ${JSON.stringify(name)} stands twice`);
      this.space();
      this.expect(":");
      setMember(object, name, this.value());
    });
    return object;
  }

  private array(): Json {
    const items: Json[] = [];
    this.list("]", () => items.push(this.value()));
    return items;
  }

  private list(end: string, item: () => void): void {
    this.at++;
    this.space();
    if (this.text.charAt(this.at) === end) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.space();
      if (this.text.charAt(this.at) === end) break;
      this.expect(",");
    }
    this.at++;
  }

  private expect(sign: string): void {
    if (this.text.charAt(this.at) !== sign) throw new FormatError(`no ${sign} at ${this.at}`);
    this.at++;
  }

  private string(): string {
    const end = endOfString(this.text, this.at);
    let text: string;
    try {
      text = JSON.parse(this.text.slice(this.at, end)) as string;
    } catch {
      throw new FormatError(`no string at ${this.at}`);
    }
    if (SURROGATE.test(text)) throw new FormatError("a lone surrogate");
    this.at = end;
    return text;
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text)?.[0];
    if (found === undefined) throw new FormatError(`no value at ${this.at}`);
    this.at += found.length;
    const value = Number(found);
    if (!Number.isFinite(value)) throw new FormatError(`the number ${found.slice(0, 40)} is out of range`);
    if (isUnsafe(found, value)) throw new FormatError(`the integer ${found.slice(0, 40)} is beyond ±2^53`);
    return value === 0 ? 0 : value;
  }
}

/** Whether a number, written as it was or in canonical form, is an integer beyond ±2^53. */
function isUnsafe(text: string, value: number): boolean {
  const plain = /^-?[0-9]+$/;
  if (!plain.test(text) && !plain.test(canonical(value))) return false;
  if (Math.abs(value) !== MAX_INTEGER) return Math.abs(value) > MAX_INTEGER;
  return plain.test(text) && text.replace("-", "") !== String(MAX_INTEGER);
}
