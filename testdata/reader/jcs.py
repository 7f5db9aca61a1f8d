"""JSON as docs/format.md has it: RFC 8785, with nothing that two readers could take for two things."""

import json
import math
import re

GREATEST = 2**53
DEEPEST = 200  # no line of any file nests so deep


class Malformed(ValueError):
    """What is not of the form that docs/format.md gives."""


def parse(text):
    """Parses JSON text; duplicate members, lone surrogates and numbers that are no float64 are malformed."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as e:
            raise Malformed("no UTF-8") from e
    try:
        value = json.loads(text, object_pairs_hook=members, parse_constant=refuse, parse_int=whole)
    except (json.JSONDecodeError, RecursionError) as e:
        raise Malformed(f"no JSON: {e}") from e
    if depth(value) > DEEPEST:
        raise Malformed("nested too deep")
    check(value)
    return value


def whole(digits):
    """A number without point and exponent; one of more digits than canonical form ever writes is no integer."""
    return int(digits) if len(digits) <= 22 else float(digits)


def members(pairs):
    """The members of an object, each name once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a member stands twice")
    return found


def refuse(name):
    """NaN and the infinities are not JSON."""
    raise Malformed(f"{name} is no JSON")


def check(value):
    """Raises Malformed for strings that are no Unicode and numbers that no float64 is."""
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            raise Malformed("a lone surrogate")
    elif isinstance(value, float):
        if math.isinf(value):
            raise Malformed("a number beyond float64")
    elif isinstance(value, list):
        for v in value:
            check(v)
    elif isinstance(value, dict):
        for name, v in value.items():
            check(name)
            check(v)


def integers_are_safe(value):
    """Whether every integer, which is what canonical form writes without point and exponent, is within 2^53 of 0."""
    if isinstance(value, list):
        return all(map(integers_are_safe, value))
    if isinstance(value, dict):
        return all(map(integers_are_safe, value.values()))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    return abs(value) <= GREATEST or abs(value) >= 1e21 or value != int(value)


def is_integer(value, least=-GREATEST, most=GREATEST):
    """Whether a value is an integer in a range; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def depth(value):
    """How deep a value is nested: 0 for a scalar."""
    deep, level = 0, [value]
    while level := [v for v in level if isinstance(v, (dict, list))]:
        deep += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return deep


def canonical(value):
    """The bytes of a value by RFC 8785."""
    return text_of(value).encode()


def text_of(value):
    """A value as RFC 8785 has it."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(quote(name) + ":" + text_of(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return number(value)


SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text):
    """A string in quotes."""
    return '"' + re.sub('[\x00-\x1f"\\\\]', lambda c: SHORT.get(c[0]) or f"\\u{ord(c[0]):04x}", text) + '"'


def number(value):
    """A number as ECMAScript prints it."""
    value = float(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = digits.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + ("" if fraction == "0" else fraction)
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.lstrip("0")
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    e = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + e
