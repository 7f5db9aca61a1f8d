"""Nodes as sets of facts, and what is seen of them."""

from fractions import Fraction

from entry import NOTHING
from jcs import canonical, number

ABSENT = object()


class Array:
    """What is known of the array at a path under one floor."""

    def __init__(self):
        self.slots = {}  # id: ((parent, side, kind, bytes of the value or element moved), value)
        self.gone = set()  # spans: (salt, from, up to)
        self.sets = {}  # element: (mark, bytes, value)
        self.moves = {}  # element: (mark, slot)

    def fold(self, kind, *what):
        """Takes a fact in, as entry.py names them."""
        if kind == "slot":
            keep(self.slots, *what)
        elif kind == "gone":
            self.gone.add(*what)
        elif kind == "set":
            element, mark, value = what
            self.set(element, (mark, canonical(value), value))
        elif kind == "move":
            element, *new = what
            self.moves[element] = max(tuple(new), self.moves.get(element, tuple(new)))

    def set(self, element, new):
        """Keeps the later of two sets of an element."""
        self.sets[element] = max(new, self.sets.get(element, new), key=lambda s: s[:2])

    def merge(self, other):
        """Takes all that another state knows in."""
        for id, slot in other.slots.items():
            keep(self.slots, id, *slot)
        self.gone |= other.gone
        for element, new in other.sets.items():
            self.set(element, new)
        for element, new in other.moves.items():
            self.fold("move", element, *new)

    def elements(self, plain):
        """The ids and values of the elements that show, in order, with those of the plain value beneath."""
        slots = dict(self.slots)
        for k, value in enumerate(plain):
            keep(slots, (0, k), ((0, k - 1) if k else None, 1, 0, canonical(value)), value)
        children = {}
        for id, ((parent, side, _, _), _) in slots.items():
            children.setdefault((parent, side), []).append(id)
        for ids in children.values():
            ids.sort(reverse=True)
        shown = []
        todo = [(id, False) for id in children.get((None, 1), [])]
        while todo:
            id, is_between = todo.pop()
            if is_between:
                element = self.shows_at(slots, id)
                if element is not None:
                    shown.append((element, self.value(slots, element)))
                continue
            todo += [(right, False) for right in children.get((id, 1), [])]
            todo.append((id, True))
            todo += [(left, False) for left in children.get((id, 0), [])]
        return shown

    def shows_at(self, slots, id):
        """The element that shows at an attached slot, None if none does."""
        (_, _, kind, what), _ = slots[id]
        element = what if kind == 1 else id
        if element not in slots or slots[element][0][2] != 0 or self.is_gone(element):
            return None
        place = self.moves[element][1] if element in self.moves else element
        return element if place == id else None

    def is_gone(self, element):
        """Whether an element was removed."""
        return any(salt == element[0] and first <= element[1] < end for salt, first, end in self.gone)

    def value(self, slots, element):
        """An element's value."""
        return self.sets[element][2] if element in self.sets else slots[element][1]


def keep(slots, id, form, value):
    """Keeps the greater of two slots of one id."""
    if id not in slots or rank(form) > rank(slots[id][0]):
        slots[id] = (form, value)


def rank(form):
    """What the greater of two slots is decided by."""
    parent, side, kind, what = form
    return parent is not None, parent or (), side, kind, what


class Node:
    """All facts about one node."""

    def __init__(self):
        self.created = self.deleted = None
        self.writes = {}  # path: (mark, bytes, value)
        self.totals = {}  # path: {(writer, salt, floor): (number, position, stamp, total)}
        self.arrays = {}  # path: {floor: Array}

    def fold(self, kind, *what):
        """Takes a fact in, as entry.py names them."""
        if kind == "create":
            self.created = later(self.created, *what)
        elif kind == "delete":
            self.deleted = later(self.deleted, *what)
        elif kind == "write":
            path, mark, value = what
            self.write(path, mark, canonical(value), value)
        elif kind == "remove":
            path, mark = what
            self.write(path, mark, NOTHING, ABSENT)
        elif kind == "total":
            path, key, total = what
            totals = self.totals.setdefault(path, {})
            totals[key] = max(total, totals.get(key, total))
        elif kind != "touch":
            path, floor, *rest = what
            self.array(path, floor).fold(kind, *rest)

    def array(self, path, floor):
        """The array at a path under a floor."""
        return self.arrays.setdefault(path, {}).setdefault(floor, Array())

    def write(self, path, *new):
        """Keeps the later of two writes."""
        old = self.writes.get(path)
        if old is None or new[:2] > old[:2]:
            self.writes[path] = new

    def merge(self, other):
        """Takes all facts of another state of the node in."""
        for kind, mark in ("create", other.created), ("delete", other.deleted):
            if mark is not None:
                self.fold(kind, mark)
        for path, write in other.writes.items():
            self.write(path, *write)
        for path, totals in other.totals.items():
            for key, total in totals.items():
                self.fold("total", path, key, total)
        for path, arrays in other.arrays.items():
            for floor, array in arrays.items():
                self.array(path, floor).merge(array)

    def base(self, path):
        """The floor at a path, and the plain value there."""
        floor, plain = self.deleted, {}
        for i, name in enumerate(path, 1):
            plain = plain.get(name, ABSENT) if isinstance(plain, dict) else ABSENT
            mark, _, value = self.writes.get(path[:i], (None, None, None))
            if mark is not None and (floor is None or mark >= floor):
                floor, plain = mark, value
        return floor, plain

    def is_alive(self):
        """Whether the node is seen."""
        return self.created is not None and (self.deleted is None or self.created > self.deleted)

    def view(self):
        """The node's value, None when it is not alive."""
        return View(self).object() if self.is_alive() else None


def later(a, b):
    """The later of two marks, of which the first may be None."""
    return b if a is None else max(a, b)


def counter(totals, plain):
    """The exact sum of totals and of what a plain number is written as, rounded once."""
    base = number(plain) if isinstance(plain, (int, float)) and not isinstance(plain, bool) else 0
    return float(sum(totals) + Fraction(base))


class View:
    """What is seen of a living node."""

    def __init__(self, node):
        self.node = node
        self.below = {}  # path: names one step deeper of which something is known
        for path in (*node.writes, *node.totals, *node.arrays):
            for i, name in enumerate(path):
                self.below.setdefault(path[:i], set()).add(name)

    def object(self):
        """The value of the node."""
        return self.members((), self.node.deleted, {})

    def members(self, path, floor, plain):
        """What is seen one step below a path."""
        names = self.below.get(path, set()) | set(plain if isinstance(plain, dict) else ())
        seen = {name: self.seen(path + (name,), floor, plain.get(name, ABSENT) if isinstance(plain, dict) else ABSENT) for name in names}
        return {name: value for name, value in seen.items() if value is not ABSENT}

    def seen(self, path, floor, plain):
        """What is seen at a path, given the floor above and what the write that is that floor says of it."""
        mark, _, value = self.node.writes.get(path, (None, None, None))
        if mark is not None and (floor is None or mark >= floor):
            floor, plain = mark, value
        deeper = self.members(path, floor, plain)
        if deeper:
            return deeper
        shown = self.elements(path, floor, plain)
        if shown:
            return [value for _, value in shown]
        totals = [t[3] for (_, _, f), t in self.node.totals.get(path, {}).items() if f == floor]
        if totals:
            return counter(totals, plain)
        return type(plain)() if isinstance(plain, (dict, list)) else plain

    def elements(self, path, floor, plain):
        """The elements that show at a path."""
        array = self.node.arrays.get(path, {}).get(floor, Array())
        return array.elements(plain if isinstance(plain, list) else [])
