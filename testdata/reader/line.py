"""A node's state: the lines of a chunk, and the facts that they hold."""

from entry import mark_of, salt_of, stamp_of, writer_of
from jcs import Malformed, canonical, is_integer
from node import ABSENT, Array

MOST_SLOTS = 2**24


class Line:
    """One line of a chunk while it is read."""

    def __init__(self, line, node):
        self.node = node  # takes the facts
        self.marks = [mark_of(m) for m in line.get("marks", [])]
        self.late = []  # arrays whose values are told by what is seen
        self.slots = 0
        if "deleted" in line:
            node.fold("delete", self.mark(line["deleted"]))
        if "created" in line:
            node.fold("create", self.mark(line["created"]))
        seen = line["value"]
        if "at" in line:
            self.at((), line["at"], {} if seen is None else seen)
        for path, floor, array, values in self.late:
            self.tell_values(path, floor, array, values, seen)

    def mark(self, place):
        """The mark at a place, from 1."""
        if not is_integer(place, 1, len(self.marks)):
            raise Malformed("no place of a mark")
        return self.marks[place - 1]

    def floor(self, place):
        """The floor at a place, None for 0."""
        return self.mark(place) if place else None

    def at(self, path, at, seen):
        """Reads what stands at a path at which a value is seen."""
        if is_integer(at):
            at = {"mark": at}
        if "mark" in at:
            self.write(path, at, seen)
        for writer, salt, floor, number, position, stamp, total in at.get("totals", []):
            key = writer_of(writer), salt_of(salt), self.floor(floor)
            self.node.fold("total", path, key, (number, position, stamp_of(stamp), total))
        for array in at.get("arrays", []):
            self.array(path, array)
        children = at.get("children", {})
        members = seen if isinstance(seen, dict) else {}
        for name, child in children.items():
            if child is not None:
                self.at(path + (name,), child, members.get(name, ABSENT))
        if "all" in at:
            mark = self.mark(at["all"])
            for name in members.keys() - children.keys():
                self.node.fold("write", path + (name,), mark, members[name])

    def write(self, path, at, seen):
        """Reads the last write at a path."""
        value = ABSENT if at.get("absent") else at.get("value", seen)
        if value is ABSENT:
            self.node.fold("remove", path, self.mark(at["mark"]))
        else:
            self.node.fold("write", path, self.mark(at["mark"]), value)

    def array(self, path, said):
        """Reads the array of one floor."""
        floor = self.floor(said.get("floor", 0))
        array = self.node.array(path, floor)
        salts = [salt_of(s) for s in said.get("salts", [])]

        def slot(s, k):
            return salts[s], k

        places = {slot(s, k): slot(es, ek) for s, k, es, ek in said.get("places", [])}
        forms = self.forms(said, slot)
        gone = self.gone(said.get("gone", []), list(forms))
        array.gone |= {(id[0], id[1], id[1] + 1) for id in gone}
        array.gone |= {(salts[s], k, k + n) for s, k, n in said.get("buried", [])}
        for id, (parent, side) in forms.items():
            if id in places:
                self.node.fold("slot", path, floor, id, (parent, side, 1, places[id]), None)
            elif id in gone:
                self.node.fold("slot", path, floor, id, (parent, side, 0, b""), None)
        for s, k, mark, *value in said.get("sets", []):
            if value:
                self.node.fold("set", path, floor, slot(s, k), self.mark(mark), value[0])
        for s, k, mark, ps, pk in said.get("moves", []):
            self.node.fold("move", path, floor, slot(s, k), self.mark(mark), slot(ps, pk))
        untold = {slot(s, k): self.mark(mark) for s, k, mark, *value in said.get("sets", []) if not value}
        elements = {id: form for id, form in forms.items() if id not in places and id not in gone}
        self.late.append((path, floor, array, (elements, said.get("values", []), untold)))

    def forms(self, said, slot):
        """Where each known slot hangs, in the order of ids: {id: (parent, side)}."""
        lengths, parents = said.get("lengths", []), said.get("parents", [])
        self.slots += sum(lengths)
        if self.slots > MOST_SLOTS or len(lengths) != len(parents):
            raise Malformed("too many slots, or parents that do not fit")
        jumps = {i: slot(s, k) for i, s, k in said.get("jumps", [])}
        forms, at = {}, None
        for i, length in enumerate(lengths):
            at = jumps.get(i, at)
            forms[at] = hang(at, parents[i], slot)
            for k in range(at[1] + 1, at[1] + length):
                forms[at[0], k] = (at[0], k - 1), 1
            at = at[0], at[1] + length
        return forms

    def gone(self, counts, ids):
        """The known slots that are removed."""
        gone, i = set(), 0
        for turn, count in enumerate(counts):
            if turn % 2:
                gone.update(ids[i : i + count])
            i += count
        return gone

    def tell_values(self, path, floor, array, values, seen):
        """Reads what the elements of an array hold; those that show may be told by what is seen."""
        elements, told, untold = values
        for name in path:
            seen = seen.get(name, ABSENT) if isinstance(seen, dict) else ABSENT
        told, shown = iter(told), {}
        under, plain = self.node.base(path)
        if isinstance(seen, list) and under == floor:
            shown = order(array, elements, plain, seen)
        for id, mark in untold.items():
            self.node.fold("set", path, floor, id, mark, shown[id])
        for id, (parent, side) in elements.items():
            if id in shown and id not in array.sets:
                value = shown[id]
            else:
                value = next(told)
            self.node.fold("slot", path, floor, id, (parent, side, 0, canonical(value)), value)


def hang(id, said, slot):
    """Where the first slot of a piece hangs: (parent, side)."""
    if isinstance(said, list):
        s, k, left = said
        return slot(s, k), 0 if left else 1
    if said == 0:
        return None, 1
    if said is None:
        said = 1
    return (id[0], id[1] - abs(said)), 1 if said > 0 else 0


def order(array, elements, plain, seen):
    """The values of the elements that show, told by what is seen: {id: value}."""
    bare = Array()
    bare.slots, bare.gone, bare.moves = dict(array.slots), array.gone, array.moves
    for id, (parent, side) in elements.items():
        bare.slots[id] = (parent, side, 0, b""), None
    ids = [id for id, _ in bare.elements(plain if isinstance(plain, list) else [])]
    if len(ids) != len(seen):
        raise Malformed("an array that is not what is seen of it")
    return dict(zip(ids, seen))


def fold_line(line, nodes, new):
    """Merges a line into the nodes, of which new makes an empty one."""
    node = new()
    Line(line, node)
    nodes.setdefault(line["id"], new()).merge(node)
