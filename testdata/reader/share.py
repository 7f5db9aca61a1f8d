"""The files of a share: what they are called, and when they are there."""

import base64
import hashlib
import os
import re
import zlib

import ed25519
from jcs import Malformed, canonical, is_integer, parse

MOST_INFLATED = 64 << 20
VERSION = 1
HASH = "[a-z2-7]{26}"
WRITER = "[a-z2-7]{16}"
SEGMENT = re.compile(rf"({WRITER})\.({WRITER})\.([1-9][0-9]*)-([1-9][0-9]*)\.({HASH})\.jsonl\.gz")
INDEX = re.compile(rf"({WRITER})\.(0|[1-9][0-9]?)\.({HASH})\.json")


def base32(data, bits):
    """The first bits of SHA-256 in base32."""
    return base64.b32encode(hashlib.sha256(data).digest()[: bits // 8]).decode().lower().rstrip("=")


def bucket_id(name):
    """What a bucket is called in names of files."""
    return base32(b"bucket:" + name.encode(), 80)


def names(share, folder):
    """The names in a folder of the share, which may not be there yet."""
    try:
        return sorted(os.listdir(os.path.join(share, folder)))
    except FileNotFoundError:
        return []


def read(share, folder, name, hash):
    """A file whose bytes have the hash that its name says."""
    with open(os.path.join(share, folder, name), "rb") as file:
        data = file.read(MOST_INFLATED + 1)
    if base32(data, 128) != hash:
        raise Malformed("its bytes are not those that it is named by")
    return data


def inflate(data):
    """gzip, within the limit and to its very end."""
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, MOST_INFLATED)
    except zlib.error as e:
        raise Malformed(f"no gzip: {e}") from e
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Malformed("cut off, too large, or with something behind it")
    return text


def lines_of(data):
    """Header, lines, and end of a file of lines, whose hash holds."""
    text = inflate(data)
    lines = text.split(b"\n")
    if len(lines) < 3 or lines.pop() != b"":
        raise Malformed("no lines")
    header, end = canonical_object(lines[0]), canonical_object(lines[-1])
    above = text[: len(text) - len(lines[-1]) - 1]
    if end.get("kind") != "end" or end.get("sha256") != hashlib.sha256(above).hexdigest() or end.get("count") != len(lines) - 2:
        raise Malformed("no end that fits")
    check_version(header)
    return header, lines[1:-1], end


def canonical_object(line):
    """An object of canonical JSON."""
    value = parse(line)
    if not isinstance(value, dict) or canonical(value) != line:
        raise Malformed("no object of canonical JSON")
    return value


def check_version(header):
    """Raises Malformed for a file of a later format."""
    if not is_integer(header.get("min_reader"), 1):
        raise Malformed("no min_reader")
    if header["min_reader"] > VERSION:
        raise Malformed("made by a later version: an update is needed")


def check_signature(kind, key, signed):
    """Raises Malformed unless an object is signed by a key, which it answers as a writer."""
    bare = {name: value for name, value in signed.items() if name != "signature"}
    key, signature = base64.b64decode(key, validate=True), base64.b64decode(signed["signature"], validate=True)
    if not ed25519.verifies(key, f"setlogger {kind}\n".encode() + canonical(bare), signature):
        raise Malformed("its signature is not by its key")
    return base32(key, 80)


def segment(share, folder, name, bucket):
    """A segment: its births, its writer, the number of its first line, and its lines."""
    parts = SEGMENT.fullmatch(name)
    header, lines, end = lines_of(read(share, folder, name, parts[5]))
    first, last = int(parts[3]), int(parts[4])
    chain = end["previous"]
    if first == 1 and chain != hashlib.sha256(f"setlogger\n{bucket}\n{header['writer']}".encode()).hexdigest():
        raise Malformed("its chain begins elsewhere")
    for line in lines:
        chain = hashlib.sha256(bytes.fromhex(chain) + line).hexdigest()
    if chain != end["chain"]:
        raise Malformed("its chain breaks")
    if check_signature("segment", header["key"], end) != header["writer"]:
        raise Malformed("its writer is not that of its key")
    said = header["kind"], header["bucket"], header["writer"], header["first"], first + len(lines) - 1
    if said != ("segment", bucket, parts[2], first, last):
        raise Malformed("its name says something else")
    return set(header["births"]), header["writer"], first, lines


def index(share, name, bucket):
    """An index, with the lines of all its chunks."""
    parts = INDEX.fullmatch(name)
    data = read(share, "index", name, parts[3])
    if not data.endswith(b"\n"):
        raise Malformed("no line break at its end")
    said = canonical_object(data[:-1])
    check_version(said)
    if said["kind"] != "index" or said["bucket"] != bucket or said["level"] != int(parts[2]):
        raise Malformed("its name says something else")
    if check_signature("index", said["key"], said) != said["writer"]:
        raise Malformed("its writer is not that of its key")
    lines = [line for c in said["chunks"] for line in chunk(share, parts[1], c, said)]
    if len(lines) != said["nodes"]:
        raise Malformed("its chunks hold another number of nodes")
    return said, lines


def chunk(share, id, said, index):
    """The lines of a chunk, as objects."""
    data = read(share, "chunk", f"{id}.{said['hash']}.jsonl.gz", said["hash"])
    header, lines, _ = lines_of(data)
    if (header["kind"], header["bucket"], header["index"]) != ("chunk", index["bucket"], index["id"]):
        raise Malformed("a chunk of another index")
    if len(data) != said["bytes"] or len(lines) != said["count"]:
        raise Malformed("a chunk of another size")
    return [canonical_object(line) for line in lines]
