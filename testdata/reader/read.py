"""Prints a bucket of a share as `setlogger export` does: python3 read.py FOLDER BUCKET

FOLDER is a share on this disk. No daemon, no store, no library: what is here was written from docs/format.md and
docs/semantics.md alone, to see that they are enough. It reads whole buckets into memory and is in no hurry.
"""

import binascii
import sys

from entry import applies
from jcs import Malformed, canonical
from line import fold_line
from node import Node
from share import INDEX, SEGMENT, bucket_id, index, names, segment


def main(args):
    """Reads and prints."""
    if len(args) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    nodes = read_bucket(*args)
    if nodes is None:
        print(f"read.py: no file in {args[0]} is of a bucket {args[1]}", file=sys.stderr)
        return 1
    for id in sorted(nodes, key=str.encode):
        value = nodes[id].view()
        if value is not None:
            print(canonical({**value, "id": id}).decode())
    return 0


def read_bucket(share, bucket):
    """All nodes of a bucket by id, None if there is no such bucket."""
    indexes = dict(read_indexes(share, bucket))
    segments = list(read_segments(share, bucket))
    births = births_of([set(said["births"]) for said, _ in indexes.values()] + [births for births, *_ in segments])
    if births is None:
        return None
    nodes = {}
    replaced = {hash for said, _ in indexes.values() for hash in said["merges"]}
    for hash, (said, lines) in indexes.items():
        if hash not in replaced and births & set(said["births"]):
            for line in lines:
                fold_line(line, nodes, Node)
    for accepted, writer, first, lines in segments:
        if births & accepted:
            fold_lines(writer, first, lines, nodes)
    return nodes


def fold_lines(writer, first, lines, nodes):
    """Folds entries of consecutive numbers. Those that an index covers are folded, too: that changes nothing."""

    def fold(id, *fact):
        nodes.setdefault(id, Node()).fold(*fact)

    for number, line in enumerate(lines, first):
        applies(writer, number, line, fold)


def read_indexes(share, bucket):
    """(hash, (index, lines)) of all indexes that are there."""
    for name in names(share, "index"):
        parts = INDEX.fullmatch(name)
        if parts and parts[1] == bucket_id(bucket):
            found = attempt(name, index, share, name, bucket)
            if found:
                yield parts[3], found


def read_segments(share, bucket):
    """(births, writer, number of the first line, lines) of all segments that are there."""
    for folder in "log", "past":
        for name in names(share, folder):
            parts = SEGMENT.fullmatch(name)
            if parts and parts[1] == bucket_id(bucket):
                found = attempt(name, segment, share, folder, name, bucket)
                if found:
                    yield found


def attempt(name, reader, *args):
    """What a reader answers, None with a word to the user if the file is not there yet."""
    try:
        return reader(*args)
    except (Malformed, KeyError, TypeError, binascii.Error) as e:
        print(f"read.py: {name} counts for nothing: {e!r}", file=sys.stderr)
    except FileNotFoundError as e:
        print(f"read.py: {name} counts for nothing without {e.filename}", file=sys.stderr)
    return None


def births_of(all):
    """The births of the one bucket that files tell of: those that any of them joins belong together."""
    groups = []
    for births in all:
        joined = [g for g in groups if g & births]
        groups = [g for g in groups if not g & births] + [births.union(*joined)]
    if len(groups) > 1:
        sys.exit("read.py: two buckets of this name were made apart, and nobody has merged them")
    return groups[0] if groups else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
