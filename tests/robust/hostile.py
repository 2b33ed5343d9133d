"""Bundles that are validly signed by a trusted key and wrong inside: each is refused by `verify` with a finding that
names what is wrong; no command crashes, hangs or takes much memory over any of them."""

import base64
import json
import os
import pty
import re
import resource
import subprocess
import zlib

from program import ASSAY, Case, assay, main, must, need_modules

need_modules("h5py", "hdf5plugin", "numpy", "cryptography")

import h5py  # noqa: E402
import hdf5plugin  # noqa: E402,F401
import numpy  # noqa: E402

from forge import NOWHERE, Forge, canonical, deflate_bomb, long_bomb, rewrite_manifest, sha, zstd_frame, zstd_raw  # noqa: E402

SCORE = "columns/experiments/score"
WEIGHT = "experiments/1/model.safetensors/a.weight"


PACKED = "experiments/1/model.safetensors/packed"


class Hostile(Case):
    campaign_options = {"log_bytes": 1_500_000}  # three chunks of blobs, with gaps between items and after the last

    def forge(self, **hooks):
        forge = Forge(self.bundle, self.key)
        for name, hook in hooks.items():
            setattr(forge, name, hook)
        return forge.write(self.folder / "forged.h5")

    def limits(self):
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    def refuse(self, names, **hooks):
        path = self.forge(**hooks)
        done = self.verify(path, timeout=60, preexec_fn=self.limits)
        text = self.assert_refused(done)
        self.assertRegex(text, names)
        self.try_all(path)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        self.assertLess(peak, 500, "MB of memory")
        return text

    def try_all(self, path):
        """No command may crash on it; what it answers is its own matter."""
        for words in (("show", path, "1", "program"), ("list", path), ("export", path, "-o", self.folder / "exported"),
                      ("audit", path, "1"), ("prove", path, "1")):
            done = assay(*words, timeout=60, preexec_fn=self.limits)
            self.assertIn(done.returncode, range(0, 6), f"{words[0]}: {done.stderr.decode()}")
            self.assertNotRegex(done.stderr.decode(), "killed|terminate|forbidden system call")

    def test_forging_nothing_is_accepted(self):
        """Else every refusal below could have another reason."""
        self.assert_intact(self.forge())

    def test_manifest_written_by_h5py_is_accepted(self):
        self.assert_intact(self.forge(edit=lambda f: rewrite_manifest(f, lambda rows: rows)))

    # Links

    def test_external_link(self):
        def edit(file):
            file["columns/evil"] = h5py.ExternalLink("/etc/passwd", "/")
        self.refuse("columns/evil.*link", edit=edit)

    def test_external_link_in_place_of_a_column(self):
        def edit(file):
            del file[SCORE]
            file[SCORE] = h5py.ExternalLink("/etc/passwd", "/")
        self.refuse("score", edit=edit)

    def test_soft_link(self):
        def edit(file):
            file["columns/soft"] = h5py.SoftLink("/blobs")
        self.refuse("columns/soft.*link", edit=edit)

    def test_two_names_of_one_dataset(self):
        def edit(file):
            file["columns/again"] = file[SCORE]
        self.refuse("columns/again|score", edit=edit)

    def test_group_in_itself(self):
        def edit(file):
            file["columns/loop"] = file["columns"]
        self.refuse("columns/loop", edit=edit)

    # Datasets

    def replace(self, name, **options):
        def edit(file):
            array = file[name][()]
            del file[name]
            file.create_dataset(name, **({"data": array} | options))
        return edit

    def test_external_storage(self):
        def edit(file):
            shape, dtype = file[WEIGHT].shape, file[WEIGHT].dtype
            del file[WEIGHT]
            file.create_dataset(WEIGHT, shape=shape, dtype=dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
        self.refuse("a.weight", edit=edit)

    def test_virtual_dataset(self):
        def edit(file):
            shape, dtype = file[WEIGHT].shape, file[WEIGHT].dtype
            layout = h5py.VirtualLayout(shape=shape, dtype=dtype)
            layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape=shape)
            del file[WEIGHT]
            file.create_virtual_dataset(WEIGHT, layout)
        self.refuse("a.weight", edit=edit)

    def test_unlisted_dataset(self):
        def edit(file):
            file["columns/more"] = numpy.arange(10)
        self.refuse("columns/more", edit=edit)

    def test_unlisted_group(self):
        self.refuse("more", edit=lambda file: file.create_group("more"))

    def test_deeply_nested_groups(self):
        self.refuse("deep", edit=lambda file: file.create_group("deep" + "/x" * 300))

    def test_named_type(self):
        def edit(file):
            file["columns/type"] = numpy.dtype("f8")
        self.refuse("columns/type", edit=edit)

    def test_attributes(self):
        for place in ("/", "columns", SCORE, "blobs", "manifest"):
            with self.subTest(place=place):
                self.refuse("attribute", edit=lambda file: file[place].attrs.__setitem__("note", "unlisted"))

    def test_missing_dataset(self):
        def edit(file):
            del file[SCORE]
        self.refuse("score", edit=edit)

    def test_other_dtype(self):
        self.refuse("score", edit=self.replace(SCORE, data=numpy.zeros(6, "<i8")))

    def test_other_shape(self):
        self.refuse("a.weight", edit=self.replace(WEIGHT, data=numpy.zeros((1000, 300), "<f4")))

    def test_big_endian(self):
        self.refuse("score", edit=self.replace(SCORE, data=numpy.zeros(6, ">f8")))

    def test_resizable(self):
        self.refuse("score", edit=self.replace(SCORE, maxshape=(None,), chunks=(6,)))

    def test_other_filters(self):
        self.refuse("a.weight", edit=self.replace(WEIGHT, compression="gzip", shuffle=True))

    def test_other_values(self):
        self.refuse("score", edit=self.replace(SCORE, data=numpy.ones(6, "<f8")))

    def test_changed_value_in_place(self):
        def edit(file):
            file[WEIGHT][0, 0] = 1.0
        self.refuse("a.weight", edit=edit)

    # Sizes

    def set_row(self, item, **change):
        fields = ("name", "type", "size", "digest", "index")

        def edit(file):
            def change_rows(rows):
                for row in rows:
                    if row[0] == item:
                        for field, value in change.items():
                            row[fields.index(field)] = value
                return sorted(rows, key=lambda row: row[0].encode())
            rewrite_manifest(file, change_rows)
        return edit

    def test_huge_blob(self):
        for size in ("1099511627776", "18446744073709551615", "99999999999999999999999"):
            with self.subTest(size=size):
                self.refuse("empty.txt|manifest|blobs", edit=self.set_row("empty.txt", size=size))

    def test_huge_array(self):
        for shape, size in (("f32[1099511627776]", str(2**42)), ("f32[4294967296,4294967296,4294967296]", "1200000"),
                            ("f32[300,1000,0]", "0"), ("s65535[281474976710656]", str(65535 * 2**48))):
            with self.subTest(shape=shape):
                self.refuse("a.weight|manifest", edit=self.set_row(WEIGHT, type=shape, size=size))

    def test_index_out_of_range(self):
        for at in (2**63, 2**64 - 2, 1 << 40, 1):
            with self.subTest(at=at):
                self.refuse("empty.txt|index|blobs", edit=self.set_row("campaign.json", index=at))

    def test_blob_without_place(self):
        """No content, though nothing was exported away: the statement would have to say so."""
        self.refuse("notes.txt|blobs", edit=self.set_row("notes.txt", index=NOWHERE))

    def test_zstd_bombs(self):
        whole = None

        def bomb(declared, blocks):
            def edit(file):
                size = file["blobs"].chunks[0]
                frame = zstd_frame(size if declared is whole else declared, blocks)
                file["blobs"].id.write_direct_chunk((0,), frame)
            return edit
        for declared, blocks in ((1 << 40, 8), (2**64 - 1, 1), (whole, 8192), (whole, 1), (0, 64)):
            with self.subTest(declared=declared, blocks=blocks):
                self.refuse("blobs", edit=bomb(declared, blocks))

    def test_two_frames_in_a_chunk(self):
        def edit(file):
            chunk = file["blobs"].id.read_direct_chunk((0,))[1]
            file["blobs"].id.write_direct_chunk((0,), chunk + zstd_frame(0, 1))
        self.refuse("blobs", edit=edit)

    def test_deflate_bomb(self):
        self.refuse("manifest", edit=deflate_bomb, keep_root=True)

    def test_bombs_of_many_chunks(self):
        """Two thousand chunks of zeros where the items need one: told from their number, before any is unpacked."""
        for name in ("manifest", "index/offset"):
            with self.subTest(name):
                self.refuse(name.split("/")[0], edit=lambda file: long_bomb(file, name, 2000), keep_root=True)

    def test_last_blob_without_place(self):
        def edit(file):
            def change(rows):
                max((row for row in rows if row[1] == "bytes" and row[4] != NOWHERE), key=lambda row: row[4])[4] = NOWHERE
                return rows
            rewrite_manifest(file, change)
        self.refuse("blobs|extents|content", edit=edit)

    def test_unlisted_bytes_after_the_last_item(self):
        """The manifest no longer lists the last stored item, and its bytes stay."""
        def edit(file):
            def drop(rows):
                last = max((row for row in rows if row[1] == "bytes" and row[4] != NOWHERE), key=lambda row: row[4])
                return [row for row in rows if row is not last]
            rewrite_manifest(file, drop)
        self.refuse("blobs|manifest|index|extents", edit=edit)

    # Bytes that no item needs

    def test_bytes_between_items(self):
        def edit(file):
            ends = {}
            for line, at in zip(bytes(file["manifest"][:]).decode().splitlines(), file["index/offset"][:]):
                if at != NOWHERE:
                    ends[int(at)] = int(at) + int(line.split("\t")[2])
            gaps = [end for end in ends.values() if end not in ends and end < file["blobs"].shape[0]]
            self.assertTrue(gaps, "the campaign makes no gap")
            file["blobs"][gaps[0]] = 1
        self.refuse("blobs", edit=edit)

    def test_bytes_after_the_last_item(self):
        def edit(file):
            blobs = file["blobs"]
            start = (blobs.shape[0] - 1) // blobs.chunks[0] * blobs.chunks[0]
            rest = blobs[start:].tobytes()
            self.assertLess(len(rest), blobs.chunks[0])
            blobs.id.write_direct_chunk((start,), zstd_raw(rest.ljust(blobs.chunks[0] - 6, b"\0") + b"hidden"))
        self.refuse("blobs", edit=edit)

    def test_bytes_after_the_last_row_of_an_array(self):
        def edit(file):
            array = file[PACKED]
            self.assertTrue(array.chunks and array.shape[0] % array.chunks[0])
            start = array.shape[0] // array.chunks[0] * array.chunks[0]
            row = array.shape[1] * array.dtype.itemsize
            content = array[start:].tobytes().ljust(array.chunks[0] * row - 6, b"\0") + b"hidden"
            array.id.write_direct_chunk((start, 0), zstd_raw(content))
        self.refuse("packed", edit=edit)

    def test_bytes_after_the_index(self):
        def edit(file):
            index = file["index/offset"]
            index.id.write_direct_chunk((0,), zlib.compress(index[:].tobytes() + b"hidden!!"))
        self.refuse("index|extents", edit=edit)

    def test_bytes_after_the_manifest(self):
        def edit(file):
            manifest = file["manifest"]
            manifest.id.write_direct_chunk((0,), zlib.compress(manifest[:].tobytes() + bytes(1000) + b"hidden"))
        self.refuse("manifest", edit=edit, keep_root=True)

    def test_bytes_after_a_deflate_stream(self):
        def edit(file):
            manifest = file["manifest"]
            manifest.id.write_direct_chunk((0,), zlib.compress(manifest[:].tobytes()) + b"hidden")
        self.refuse("manifest", edit=edit, keep_root=True)

    # Names

    def test_names(self):
        for name in ("../../../tmp/escape", "/etc/passwd", "a//b", "a/./b", "a/", "", "x%2e", "x%", "x\x1b[2J", "x" * 2000,
                     "notes.txt", "campaign.json/below"):
            with self.subTest(name=name):
                self.refuse("manifest", edit=self.set_row("empty.txt", name=name))

    def test_unsorted_manifest(self):
        self.refuse("manifest", edit=lambda file: rewrite_manifest(file, lambda rows: rows[::-1]))

    def test_wrong_digest(self):
        self.refuse("notes.txt", edit=self.set_row("notes.txt", digest=sha(b"something else")))

    def test_empty_manifest(self):
        def edit(file):
            rewrite_manifest(file, lambda rows: [["x", "bytes", "0", sha(b""), 0]])
        self.refuse(".", edit=edit)

    # Header, extents, statement

    def test_second_superblock_in_the_header(self):
        for at in (512, 1024, 2048):
            with self.subTest(at=at):
                signature = b"\x89HDF\r\n\x1a\n"
                self.refuse("header", change_header=lambda head: head[:at] + signature + head[at + 8:])

    def test_decoy_after_the_header_line(self):
        self.refuse("header", change_header=lambda head: head[:3000] + b"trust me" + head[3008:])

    def test_extents(self):
        changes = {
            "missing": lambda rows: rows[:-1],
            "first missing": lambda rows: rows[1:],
            "twice": lambda rows: rows + rows[-1:],
            "overlap": lambda rows: rows[:1] + [(4000, *rows[1][1:])] + rows[2:],
            "unknown area": lambda rows: [(*r[:2], "/nothing", *r[3:]) if r[2] == f"/{SCORE}" else r for r in rows],
            "hdf5 instead of a dataset": lambda rows: [(*r[:2], "hdf5", 0, "-") if r[2] == f"/{WEIGHT}" else r for r in rows],
            "other chunk": lambda rows: [(*r[:3], r[3] + 1, r[4]) if r[2] == "/blobs" else r for r in rows],
            "other coding": lambda rows: [(*r[:4], "raw") if r[2] == "/blobs" else r for r in rows],
            "unknown coding": lambda rows: [(*r[:4], "lzma") if r[2] == "/blobs" else r for r in rows],
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.refuse("extent|blobs|score|a.weight|container|hdf5|header", change_extents=change)

    def change_predicate(self, **values):
        return lambda statement: statement["predicate"].update(values)

    def test_statement(self):
        for values in ({"items": 1}, {"items": -1}, {"items": 1e30}, {"root": "0" * 64}, {"root": "x"}, {"root": None},
                       {"extents": {}}, {"extents": {"offset": 2**64 - 1, "size": 1, "sha256": "0" * 64}},
                       {"generation": "2"}, {"generation": 0}, {"more": "unknown"}, {"supersedes": "abc"}, {"left_out": "programs"}):
            with self.subTest(values=values):
                self.refuse("signature|statement|extents|manifest|header", change_statement=self.change_predicate(**values))

    def test_statement_encodings(self):
        encodings = {
            "spaces": lambda s: json.dumps(s, sort_keys=True).encode(),
            "duplicate key": lambda s: self.plain(s).replace(b'{"_type"', b'{"_type":"x","_type"', 1),
            "deep": lambda s: b"[" * 100000 + b"]" * 100000,
            "not json": lambda s: b"{'a': 1}",
            "array": lambda s: b"[]",
            "trailing": lambda s: self.plain(s) + b" ",
        }
        for name, encode in encodings.items():
            with self.subTest(name):
                self.refuse("signature|statement", encode_statement=encode)

    @staticmethod
    def plain(statement):
        return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    # Exports: two statements, of which the authors signed one

    def write_export(self, change, signatures=()):
        """A bundle whose layout somebody else describes, above the authors' own envelope."""
        good = self.bundle.read_bytes()
        at = json.loads(good[:4096].rstrip(b"\0"))["signatures"]
        authors = json.loads(good[at:])
        statement = json.loads(base64.b64decode(authors["payload"]))
        change(statement)
        outer = authors | {"payload": base64.b64encode(canonical(statement)).decode(), "signatures": list(signatures)}
        path = self.folder / "export.h5"
        path.write_bytes(good[:at] + canonical(outer) + b"\n" + canonical(authors) + b"\n")
        return path

    def test_an_export_says_what_its_authors_said(self):
        self.assert_intact(self.write_export(lambda statement: None))
        changes = {
            "title": lambda s: s["subject"][0].update(name="Another campaign"),
            "generation": self.change_predicate(generation=7),
            "supersedes": self.change_predicate(supersedes="ab" * 32),
            "summary": self.change_predicate(summary={"experiments": 1000000}),
        }
        for name, change in changes.items():
            with self.subTest(name):
                path = self.write_export(change)
                self.assertRegex(self.assert_refused(self.verify(path)), "original statement")
                self.try_all(path)

    def test_detached_signatures_that_are_none(self):
        good = self.bundle.read_bytes()
        envelope = json.loads(good[json.loads(good[:4096].rstrip(b"\0"))["signatures"]:])
        none = self.folder / "none.sig.json"
        none.write_bytes(canonical(envelope | {"signatures": []}))
        self.assertRegex(self.assert_refused(self.verify(self.bundle, "--signature", none)), "I114")

    # Text for a terminal

    EVIL = "\x1b]0;owned\x07\x1b[35m\u009b31m\u202eevil\u2066"

    def nasty_campaign(self):
        """Every text that a campaign may hold tries to steer the terminal."""
        evil, folder = self.EVIL, self.folder / "nasty"
        (folder / "experiments/0").mkdir(parents=True)
        (folder / "experiments/1").mkdir()
        (folder / "campaign.json").write_text(json.dumps(
            {"assay": "campaign", "version": 1, "title": evil, "system": evil, "licence": evil, "authors": [{"name": evil}],
             "metrics": [{"name": "m", "kind": "score", "direction": "higher", "group": evil, "unit": evil}]}))
        for i in range(2):
            (folder / f"experiments/{i}/experiment.json").write_text(json.dumps(
                {"id": str(i), "index": i, "name": evil + str(i), "label": evil, "status": evil, "created": evil, "score": i,
                 "seeds": {evil: evil}, "dataset": {"name": evil}, "parents": ["0"] * i, "extra": {evil: evil},
                 "files": {"program": f"experiments/{i}/{evil}"}}))
            (folder / f"experiments/{i}/{evil}").write_text(evil)
            (folder / f"experiments/{i}/metrics.csv").write_text("metric,step,value\nm,,0.5\n")
        (folder / "steps.jsonl").write_text(json.dumps(
            {"id": evil, "experiment": "1", "agent": evil, "model": evil, "status": evil, "time": evil, "response": evil,
             "writes": ["program", evil], "reads": {"parents": [evil], "knowledge": [evil]}}) + "\n")
        (folder / "knowledge.jsonl").write_text(json.dumps({"id": evil, "content": evil, "source": evil}) + "\n")
        (folder / "claims.json").write_text(json.dumps({"claims": [
            {"id": evil, "text": evil, "source": {"document": evil}, "kind": "text"}]}))
        (folder / "environment.json").write_text(json.dumps({evil: evil}))
        return folder

    @staticmethod
    def on_terminal(*words):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([ASSAY, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        out = b""
        try:
            while part := os.read(ours, 65536):
                out += part
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        child.wait()
        return re.sub(rb"\x1b\[(?:0|1|2|3[123])m|\r\x1b\[K", b"", out)  # our own colours and progress

    def test_nothing_steers_a_terminal(self):
        bundle = self.folder / "nasty.h5"
        campaign = self.nasty_campaign()
        must(assay("seal", campaign, "--from", "assay", "-o", bundle, "--key", self.key))
        must(assay("prove", bundle, "1", "-o", self.folder / "proof"))
        whats = ["experiments", "manifest", "statement", "claims", "steps", "knowledge", "environment", "completeness", "1"]
        for words in (["seal", campaign, "--from", "assay", "--dry-run"], ["verify", bundle],
                      ["verify", self.folder / "proof"], ["list", bundle], ["list", bundle, "--csv"], ["audit", bundle, "1"],
                      ["audit", bundle, "--from", "experiment:0"], ["diff", bundle, "1"], ["diff", bundle, self.bundle], ["show", bundle],
                      ["show", bundle, "1", "program"], *(["show", bundle, what] for what in whats)):
            for more in ([], ["--json"]):
                with self.subTest(f"{words[0]} {words[2:]} {more}"):
                    out = self.on_terminal(*words, *more)
                    for raw in (b"\x1b", b"\x07", b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x81\xa6"):
                        self.assertNotIn(raw, out)

    def test_control_characters_in_the_title(self):
        def change(statement):
            statement["subject"][0]["name"] = "x\x1b]0;owned\x07\x1b[2J"
        path = self.forge(change_statement=change)
        for words in (("verify", path), ("list", path), ("show", path, "1")):
            done = assay(*words)
            self.assertNotIn(b"\x1b]0", done.stdout + done.stderr)


if __name__ == "__main__":
    main()
