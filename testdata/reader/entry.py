"""What an entry says: facts about nodes, each with the mark that decides when two of them differ."""

import base64
import re

from jcs import GREATEST, Malformed, canonical, depth, integers_are_safe, is_integer, parse

LAST_STAMP = 4134067199999, 0  # 366 days after the last millisecond of 2099
NOTHING = b""  # the bytes of an absent value: below those of any other


def stamp_of(text):
    """A stamp as two numbers."""
    parts = re.fullmatch(r"(0|[1-9][0-9]*)-(0|[1-9][0-9]*)", text) if isinstance(text, str) else None
    if not parts:
        raise Malformed("no stamp")
    stamp = int(parts[1]), int(parts[2])
    if stamp[0] >= 2**48 or stamp[1] >= 2**16:
        raise Malformed("a stamp out of range")
    return stamp


def writer_of(text):
    """A writer as the bits that it sorts by."""
    if not isinstance(text, str) or not re.fullmatch("[a-z2-7]{16}", text):
        raise Malformed("no writer")
    return base64.b32decode(text.upper())


def mark_of(value):
    """A mark, (stamp, writer, number, position), of a JSON array of the four."""
    if not isinstance(value, list) or len(value) != 4 or not is_integer(value[2], 1) or not is_integer(value[3], 0, 2**20):
        raise Malformed("no mark")
    return stamp_of(value[0]), writer_of(value[1]), value[2], value[3]


def salt_of(text):
    """A salt as a number."""
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{16}", text):
        raise Malformed("no salt")
    return int(text, 16)


def slot_of(value):
    """The id of a slot, (salt, k)."""
    if not isinstance(value, list) or len(value) != 2 or not is_integer(value[1], 0, GREATEST - 1):
        raise Malformed("no slot")
    return salt_of(value[0]), value[1]


def applies(writer, number, line, fold):
    """Folds the line of a writer's entry of that number. One that is malformed changes nothing, which is what False says."""
    try:
        entry = parse(line)
        if len(line) > 1 << 20 or not isinstance(entry, dict) or depth(entry) > 66 or canonical(entry) != line:
            raise Malformed("no line of an entry")
        facts = list(facts_of(writer_of(writer), number, entry))
    except Malformed:
        return False
    for fact in facts:
        fold(*fact)
    return True


def facts_of(writer, number, entry):
    """The facts of an entry, as arguments of Nodes.fold."""
    actions = entry.get("actions")
    if not isinstance(actions, list) or not integers_are_safe(entry):
        raise Malformed("no actions")
    stamp = stamp_of(entry.get("stamp"))
    if not (0, 0) < stamp <= LAST_STAMP:
        raise Malformed("a stamp out of range")
    if not is_integer(entry.get("number", number), number, number) or not isinstance(entry.get("birth", ""), str):
        raise Malformed("a number or a birth")
    if "salt" in entry:
        salt_of(entry["salt"])
    check_saw(entry.get("saw", []))
    ids = {}
    for position, action in enumerate(actions):
        mark = (stamp, writer, number, position)
        for id, *fact in facts_of_action(action, mark):
            if id is not None:
                ids[id] = True
            yield id, *fact
    check_counts(entry.get("n"), len(ids))


def check_saw(saw):
    """saw holds heads, each of a writer, a number and a chain's first half: 128 bits, so that the last 2 of 130 are 0."""
    if not isinstance(saw, list):
        raise Malformed("saw")
    for head in saw:
        if not isinstance(head, list) or len(head) != 3 or not is_integer(head[1], 1):
            raise Malformed("a head")
        writer_of(head[0])
        if not isinstance(head[2], str) or not re.fullmatch("[a-z2-7]{25}[aeimquy4]", head[2]):
            raise Malformed("a chain")


def check_counts(counts, nodes):
    """n holds a count for each node, or is left out."""
    if counts is None:
        return
    if not isinstance(counts, list) or len(counts) != nodes or not all(is_integer(c, 1) for c in counts):
        raise Malformed("n")


def facts_of_action(action, mark):
    """(id, kind, what …) for each thing that an action says. An unknown type says nothing, of no node."""
    if not isinstance(action, dict) or not isinstance(action.get("type"), str) or depth(action) > 64:
        raise Malformed("no action")
    say = SAYS.get(action["type"])
    if say is None:
        return
    if action["type"] in ("SET_SCHEMA", "CLOSE"):
        yield from say(action, mark)
        return
    id = action.get("id")
    if not isinstance(id, str) or not 1 <= len(id.encode()) <= 512:
        raise Malformed("no id")
    for fact in say(action, mark):
        yield id, *fact


def properties_of(action, needed):
    """The properties that an action gives."""
    properties = action.get("properties", None if needed else {})
    if not isinstance(properties, dict) or "id" in properties:
        raise Malformed("properties")
    return properties


def path_of(action):
    """The path that an action names."""
    if ("property" in action) == ("path" in action):
        raise Malformed("either property or path")
    path = [action["property"]] if "property" in action else action["path"]
    if not isinstance(path, list) or not 1 <= len(path) <= 64 or not all(isinstance(p, str) for p in path) or path[0] == "id":
        raise Malformed("no path")
    return tuple(path)


def create(action, mark):
    """CREATE_NODE."""
    properties = properties_of(action, False)
    if not isinstance(action.get("revive", False), bool):
        raise Malformed("revive")
    if action.get("revive"):
        (ms, tick), *rest = mark
        yield "delete", ((ms, tick - 1) if tick else (ms - 1, 2**16 - 1), *rest)
    yield "create", mark
    for name, value in properties.items():
        yield "write", (name,), mark, value


def delete(_action, mark):
    """DELETE_NODE."""
    yield "delete", mark


def set_property(action, mark):
    """SET_PROPERTY."""
    yield "touch",
    if "properties" in action:
        if "property" in action or "path" in action or "value" in action:
            raise Malformed("both properties and a path")
        for name, value in properties_of(action, True).items():
            yield "write", (name,), mark, value
        return
    if "value" not in action:
        raise Malformed("no value")
    yield "write", path_of(action), mark, action["value"]


def remove_property(action, mark):
    """REMOVE_PROPERTY."""
    yield "remove", path_of(action), mark


def increment(action, mark):
    """INCREMENT."""
    path, run = path_of(action), action.get("run")
    if not is_integer(action.get("by", 1)) or not isinstance(run, dict):
        raise Malformed("by or run")
    if not is_integer(run.get("total")):
        raise Malformed("total")
    key = mark[1], salt_of(run.get("salt")), floor_of(run, mark)
    yield "total", path, key, (mark[2], mark[3], mark[0], run["total"])


def floor_of(holder, mark):
    """The floor that an action names, below its own mark; None for none."""
    if "floor" not in holder:
        return None
    floor = mark_of(holder["floor"])
    if floor >= mark:
        raise Malformed("a floor above its action")
    return floor


def slots_of(action, mark):
    """Path, floor and the member slots of an action on an array."""
    slots = action.get("slots")
    if not isinstance(slots, dict):
        raise Malformed("no slots")
    return path_of(action), floor_of(slots, mark), slots


def hang_of(slots, count):
    """Where new slots begin and hang: (first, parent, side)."""
    first = slot_of(slots.get("first"))
    if first[0] == 0 or first[1] + count > GREATEST:
        raise Malformed("first")
    parent = slot_of(slots["parent"]) if "parent" in slots else None
    if slots.get("side", "left") != "left" or "side" in slots and parent is None:
        raise Malformed("side")
    return first, parent, 0 if "side" in slots else 1


def array_insert(action, mark):
    """ARRAY_INSERT."""
    path, floor, slots = slots_of(action, mark)
    if ("value" in action) == ("values" in action):
        raise Malformed("either value or values")
    values = action["values"] if "values" in action else action["value"]
    if not isinstance(values, list):
        if "values" in action:
            raise Malformed("values")
        values = [values]
    if not values:
        raise Malformed("no values")
    first, parent, side = hang_of(slots, len(values))
    for i, value in enumerate(values):
        yield "slot", path, floor, (first[0], first[1] + i), (parent, side, 0, canonical(value)), value
        parent, side = (first[0], first[1] + i), 1


def array_remove(action, mark):
    """ARRAY_REMOVE."""
    path, floor, slots = slots_of(action, mark)
    spans = slots.get("spans")
    if not isinstance(spans, list) or not spans:
        raise Malformed("no spans")
    for span in spans:
        yield "gone", path, floor, span_of(span)


def span_of(span):
    """Removed elements: (salt, from, up to)."""
    if not isinstance(span, list) or len(span) != 3 or not is_integer(span[2], 1):
        raise Malformed("no span")
    salt, k = slot_of(span[:2])
    if k + span[2] > GREATEST:
        raise Malformed("a span beyond the last slot")
    return salt, k, k + span[2]


def array_set(action, mark):
    """ARRAY_SET."""
    path, floor, slots = slots_of(action, mark)
    if "value" not in action:
        raise Malformed("no value")
    yield "set", path, floor, slot_of(slots.get("element")), mark, action["value"]


def array_move(action, mark):
    """ARRAY_MOVE."""
    path, floor, slots = slots_of(action, mark)
    element = slot_of(slots.get("element"))
    first, parent, side = hang_of(slots, 1)
    yield "slot", path, floor, first, (parent, side, 1, element), None
    yield "move", path, floor, element, mark, first


def set_schema(action, _mark):
    """SET_SCHEMA, which says nothing of nodes."""
    if not isinstance(action.get("schema", 0), (dict, type(None))):
        raise Malformed("no schema")
    return ()


def close(_action, _mark):
    """CLOSE, which says nothing of nodes."""
    return ()


SAYS = {
    "CREATE_NODE": create,
    "DELETE_NODE": delete,
    "SET_PROPERTY": set_property,
    "REMOVE_PROPERTY": remove_property,
    "INCREMENT": increment,
    "ARRAY_INSERT": array_insert,
    "ARRAY_REMOVE": array_remove,
    "ARRAY_SET": array_set,
    "ARRAY_MOVE": array_move,
    "SET_SCHEMA": set_schema,
    "CLOSE": close,
}
