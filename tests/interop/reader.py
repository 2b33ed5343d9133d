#!/usr/bin/env python3
"""A stranger's reader: checks a bundle by docs/formats/bundle.md alone, with Python's own library for everything but the
zstd chunks, which h5py and hdf5plugin unpack.

    reader.py FILE        prints {"root", "items", "signers", "problems"}; exit status 0 without problems, else 2"""

import base64
import hashlib
import json
import sys

import h5py
import hdf5plugin  # noqa: F401  registers the zstd filter
import numpy

MIB = 1 << 20
ELEMENT = {"u8": 1, "i8": 1, "bool": 1, "f8e4m3": 1, "f8e5m2": 1, "u16": 2, "i16": 2, "f16": 2, "bf16": 2,
           "u32": 4, "i32": 4, "f32": 4, "u64": 8, "i64": 8, "f64": 8}


def sha256(data):
    return hashlib.sha256(data).digest()


def tree(leaves):
    """RFC 6962: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:]))


def digest(content):
    if len(content) <= MIB:
        return hashlib.sha256(content).hexdigest()
    return "tree:" + tree([sha256(content[at:at + MIB]) for at in range(0, len(content), MIB)]).hex()


class Bundle:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.header = json.loads(self.bytes[:4096].rstrip(b"\0"))
        begin, end = self.header["extents"], self.header["signatures"]
        self.extents_text = self.bytes[begin:end]
        self.extents = []
        for line in self.extents_text.decode().splitlines():
            offset, length, sha, area, chunk, coding = line.split("\t")
            self.extents.append((int(offset), int(length), sha, area, int(chunk), coding))
        self.envelope = json.loads(self.bytes[end:].splitlines()[0])
        self.payload = base64.b64decode(self.envelope["payload"], validate=True)
        self.statement = json.loads(self.payload)
        self.hdf5 = h5py.File(path, "r")

    def manifest(self):
        return bytes(self.hdf5["manifest"][:])

    def lines(self):
        for line in self.manifest().decode().splitlines():
            yield line.split("\t")

    def content(self, row, name, type_, size):
        """The content of the item in line `row` of the manifest; None where the bundle does not have it."""
        if type_ == "withheld":
            return None
        if type_ == "bytes":
            at = int(self.hdf5["index/offset"][row])
            return None if at == 2**64 - 1 else self.hdf5["blobs"][at:at + int(size)].tobytes()
        if name not in self.hdf5:
            return None
        array = self.hdf5[name][()]
        return numpy.ascontiguousarray(array).tobytes() if not isinstance(array, bytes) else array


def check_extents(bundle, problems):
    at = 0
    for offset, length, sha, area, chunk, _ in bundle.extents:
        if offset != at:
            problems.append(f"extents: gap or overlap at byte {at}")
        if hashlib.sha256(bundle.bytes[offset:offset + length]).hexdigest() != sha:
            problems.append(f"{area} chunk {chunk}, bytes {offset} to {offset + length - 1}: not what was signed")
        at = offset + length
    signed = bundle.statement["predicate"]["extents"]
    if at != signed["offset"] or hashlib.sha256(bundle.extents_text).hexdigest() != signed["sha256"]:
        problems.append("extents: not what was signed")


def check_signatures(bundle, problems):
    """The keys of the valid signatures. Ed25519 is not in Python's own library."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    kind = bundle.envelope["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(bundle.payload), bundle.payload)
    signers = []
    for signature in bundle.envelope["signatures"]:
        try:
            load_ssh_public_key(signature["keyid"].encode()).verify(base64.b64decode(signature["sig"]), message)
            signers.append(signature["keyid"])
        except (InvalidSignature, ValueError):
            problems.append("signatures: one does not verify")
    return signers


def check_items(bundle, problems):
    items = 0
    for row, (name, type_, size, sha) in enumerate(bundle.lines()):
        items += 1
        content = bundle.content(row, name, type_, size)
        if content is not None and (len(content) != int(size) or digest(content) != sha):
            problems.append(f"{name}: the content is not what was sealed")
    leaves = [sha256(b"\x00" + line) for line in bundle.manifest().split(b"\n")[:-1]]
    root = tree(leaves).hex()
    if root != bundle.statement["predicate"]["root"] or items != bundle.statement["predicate"]["items"]:
        problems.append("manifest: its root or its number of items is not what was signed")
    return root, items


def main():
    bundle, problems = Bundle(sys.argv[1]), []
    check_extents(bundle, problems)
    signers = check_signatures(bundle, problems)
    root, items = check_items(bundle, problems)
    print(json.dumps({"root": root, "items": items, "signers": signers, "problems": problems}))
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
