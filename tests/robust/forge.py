"""Makes bundles that are signed and wrong: the HDF5 file of a good one is edited with h5py, then extents, statement and
signature are made anew around it, with a key that the reader trusts. Written from docs/formats/bundle.md."""

import base64
import hashlib
import json
import struct
import zlib
from pathlib import Path

import h5py
import numpy
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

NOWHERE = 2**64 - 1
PIECE = 1 << 20


def sha(data):
    return hashlib.sha256(data).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def merkle(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle(leaves[:split]) + merkle(leaves[split:])).digest()


def root_of(manifest):
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in manifest.split(b"\n")[:-1]]
    return merkle(leaves).hex() if leaves else sha(b"")


def zstd_frame(declared, blocks):
    """A frame that declares `declared` bytes and holds `blocks` run-length blocks of 128 kB of zeros."""
    out = b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + struct.pack("<Q", declared)
    for i in range(blocks):
        out += struct.pack("<I", (131072 << 3) | (1 << 1) | (i + 1 == blocks))[:3] + b"\0"
    return out


def zstd_raw(data):
    """A frame that holds `data` as it is, in raw blocks."""
    out = b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + struct.pack("<Q", len(data))
    for at in range(0, len(data), 131072):
        block = data[at:at + 131072]
        out += struct.pack("<I", (len(block) << 3) | (at + len(block) == len(data)))[:3] + block
    return out


class Forge:
    """`edit(h5py.File)` changes the container; the attributes that follow change what stands around it."""

    def __init__(self, good, key):
        self.good = Path(good).read_bytes()
        self.key = load_ssh_private_key(Path(key).read_bytes(), None)
        self.keyid = " ".join(Path(f"{key}.pub").read_text().split()[:2])
        head = json.loads(self.good[:4096].rstrip(b"\0"))
        self.statement = json.loads(base64.b64decode(json.loads(self.good[head["signatures"]:].splitlines()[0])["payload"]))
        self.container = self.good[:head["extents"]]
        self.edit = lambda file: None
        self.change_extents = lambda rows: rows
        self.change_statement = lambda statement: None
        self.change_header = lambda header: header
        self.encode_statement = canonical
        self.keep_root = False  # True: the manifest is not read again
        self.patch = {}  # offset -> bytes, put into the container before digests are taken

    def write(self, output):
        """Writes the forged bundle to `output` and returns it."""
        work = Path(f"{output}.edit")
        work.write_bytes(self.container)
        with h5py.File(work, "r+") as file:
            self.edit(file)
        with h5py.File(work, "r") as file:
            rows = self.dataset_rows(file)
            manifest = b"" if self.keep_root else self.manifest(file)
        data = bytearray(work.read_bytes())
        work.unlink()
        for at, value in self.patch.items():
            data[at:at + len(value)] = value
        Path(output).write_bytes(self.assemble(data, rows, manifest))
        return output

    @staticmethod
    def manifest(file):
        try:
            text = bytes(file["manifest"][:])
        except (KeyError, OSError, ValueError, AttributeError):
            return b""
        return text if text.endswith(b"\n") else b""

    @staticmethod
    def dataset_rows(file):
        """(offset, length, area, chunk, coding) of every chunk or piece of every dataset behind a hard link."""
        rows, seen = [], set()

        def visit(name, thing):
            if not isinstance(thing, h5py.Dataset) or thing.id.get_offset() is None and thing.chunks is None:
                return
            address = h5py.h5o.get_info(thing.id).addr
            if address in seen or thing.external or thing.is_virtual:
                return
            seen.add(address)
            if thing.chunks is None:
                start, size = thing.id.get_offset(), thing.id.get_storage_size()
                rows.extend((start + at, min(PIECE, size - at), f"/{name}", at // PIECE, "piece") for at in range(0, size, PIECE))
                return
            grid = [-(-n // c) for n, c in zip(thing.shape, thing.chunks)]
            packed = "deflate" if thing.compression == "gzip" else "zstd"
            for i in range(thing.id.get_num_chunks()):
                info = thing.id.get_chunk_info(i)
                number = 0
                for at, c, n in zip(info.chunk_offset, thing.chunks, grid):
                    number = number * n + at // c
                rows.append((info.byte_offset, info.size, f"/{name}", number, "raw" if info.filter_mask else packed))

        file.visititems(visit)
        return rows

    def assemble(self, data, rows, manifest):
        end, extents, at = len(data), [(0, 4096, "header", 0, "-")], 4096
        for row in sorted(rows) + [(end, 0, "", 0, "")]:
            while at < row[0]:
                extents.append((at, min(PIECE, row[0] - at), "hdf5", 0, "-"))
                at += extents[-1][1]
            if row[1]:
                extents.append(row)
                at = row[0] + row[1]
        extents = self.change_extents(extents)
        header = {"assay": "bundle", "extents": end, "version": 1,
                  "signatures": end + len(self.extents_block(data, extents))}
        header["check"] = sha(canonical(header))[:16]
        data[:4096] = self.change_header(canonical(header) + b"\n" + bytes(4096))[:4096]
        block = self.extents_block(data, extents)
        return bytes(data) + block + self.envelope(block, end, manifest)

    @staticmethod
    def extents_block(data, extents):
        return "".join(f"{offset}\t{length}\t{sha(bytes(data[offset:offset + length]))}\t{area}\t{chunk}\t{coding}\n"
                       for offset, length, area, chunk, coding in extents).encode()

    def envelope(self, block, end, manifest):
        predicate = self.statement["predicate"]
        predicate["extents"] = {"offset": end, "size": len(block), "sha256": sha(block)}
        if manifest:
            predicate["root"], predicate["items"] = root_of(manifest), manifest.count(b"\n")
            self.statement["subject"][0]["digest"]["sha256"] = predicate["root"]
        self.change_statement(self.statement)
        payload, kind = self.encode_statement(self.statement), b"application/vnd.in-toto+json"
        signature = self.key.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
        return canonical({"payload": base64.b64encode(payload).decode(), "payloadType": kind.decode(),
                          "signatures": [{"keyid": self.keyid, "sig": base64.b64encode(signature).decode()}]}) + b"\n"


def rewrite_manifest(file, change):
    """`change(rows)` gets [[name, type, size, digest, index]] and returns such rows; manifest and index are written anew."""
    rows = [line.split("\t") for line in bytes(file["manifest"][:]).decode().splitlines()]
    rows = [[*row, int(at)] for row, at in zip(rows, file["index/offset"][:])]
    rows = change(rows)
    text = "".join("\t".join(row[:4]) + "\n" for row in rows).encode()
    write_packed(file, "manifest", numpy.frombuffer(text, "u1"), 256 << 10)
    write_packed(file, "index/offset", numpy.array([row[4] for row in rows], "<u8"), 32768)


def write_packed(file, name, array, chunk):
    del file[name]
    file.create_dataset(name, data=array, chunks=(min(len(array), chunk),), compression="gzip", compression_opts=1)


def deflate_bomb(file, mebibytes=1024):
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()
    file["manifest"].id.write_direct_chunk((0,), stream)


def long_bomb(file, name, chunks):
    """`name` becomes a dataset of so many chunks of 256 KiB of zeros, some 300 bytes each."""
    dtype = file[name].dtype
    rows = (256 << 10) // dtype.itemsize
    del file[name]
    dataset = file.create_dataset(name, shape=(chunks * rows,), dtype=dtype, chunks=(rows,), compression="gzip")
    stream = zlib.compress(bytes(256 << 10), 9)
    for i in range(chunks):
        dataset.id.write_direct_chunk((i * rows,), stream)
