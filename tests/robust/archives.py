"""Archives that somebody else made to harm whoever checks them: pipes in .git, packs that unfold into gigabytes, links out of
the folder. `archive check` and `log` answer with findings or an error, in bounded memory, and never wait."""

import hashlib
import json
import os
import resource
import shutil
import struct
import zlib

from program import Case, assay, main, must, run, sanitized

AUTHOR = ("--author", "Lab <lab@example.org>")


def git_object(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data).hexdigest()


def pack_head(kind, size):
    out, byte = bytearray(), kind << 4 | size & 15
    size >>= 4
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    return bytes(out) + bytes([byte])


def number(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def write_pack(folder, objects):
    """objects: [(name, bytes as they stand in a pack)]"""
    body, offsets = b"PACK" + struct.pack(">II", 2, len(objects)), {}
    for name, data in objects:
        offsets[name] = len(body)
        body += data
    body += hashlib.sha1(body).digest()
    names, crcs = sorted(offsets), {name: zlib.crc32(data) for name, data in objects}
    index = b"\377tOc" + struct.pack(">I", 2)
    index += b"".join(struct.pack(">I", sum(int(name[:2], 16) <= i for name in names)) for i in range(256))
    index += b"".join(bytes.fromhex(name) for name in names)
    index += b"".join(struct.pack(">I", crcs[name]) for name in names)
    index += b"".join(struct.pack(">I", offsets[name]) for name in names) + body[-20:]
    base = folder / f"pack-{body[-20:].hex()}"
    base.with_suffix(".pack").write_bytes(body)
    base.with_suffix(".idx").write_bytes(index + hashlib.sha1(index).digest())


class Archives(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if assay("archive", "init", "--help").returncode != 0:
            raise cls.skipTest(cls, "this build has no archives")
        cls.good = cls.shared / "history"
        must(assay("archive", "init", cls.good, "--key", cls.key, *AUTHOR))
        must(assay("archive", "add", cls.good, cls.bundle, "--key", cls.key, *AUTHOR))

    def setUp(self):
        super().setUp()
        self.archive = self.folder / "history"
        shutil.copytree(self.good, self.archive, symlinks=True)
        self.git = self.archive / ".git"

    def limits(self):
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    def look(self, *words):
        return assay("archive", *words, timeout=200, preexec_fn=self.limits)

    def test_nothing_done_to_it_is_accepted(self):
        done = self.look("check", self.archive, "--trust", self.allowed)
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
        must(self.look("log", self.archive))

    def test_pipes_are_not_waited_for(self):
        for name in ("refs/heads/main", "refs/tags/x", "HEAD", "packed-refs", "objects/pack/pack-x.idx", "objects/info/alternates"):
            with self.subTest(name):
                path = self.git / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                os.mkfifo(path)
                for command in ("check", "log"):
                    done = self.look(command, self.archive)
                    self.assertIn(name.split("/")[-1], self.assert_refused(done))
                path.unlink()

    def test_a_pack_that_unfolds_into_gigabytes(self):
        """Ten bytes, as the difference from two gigabytes of zeros that compress to nine megabytes."""
        size = 2 << 30
        packer, block, digest = zlib.compressobj(1), bytes(1 << 20), hashlib.sha1(b"blob %d\0" % size)
        stream = b""
        for _ in range(size >> 20):
            stream += packer.compress(block)
            digest.update(block)
        base, small = digest.hexdigest(), git_object(b"blob", bytes(10))
        delta = number(size) + number(10) + bytes([0x90, 10])
        write_pack(self.git / "objects/pack", [(base, pack_head(3, size) + stream + packer.flush()),
                                               (small, pack_head(7, len(delta)) + bytes.fromhex(base) + zlib.compress(delta))])
        self.commit_readme(small)
        if sanitized():
            limit = {"env": {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=1024"}}
        else:
            limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))}
        done = assay("archive", "check", self.archive, timeout=120, **limit)
        text = self.assert_refused(done)
        self.assertRegex(text, "README.md cannot be read|memory")

    def commit_readme(self, blob):
        """A commit whose README.md is `blob`, by hand."""
        def obj(kind, data):
            name = git_object(kind, data)
            path = self.git / "objects" / name[:2] / name[2:]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(b"%s %d\0" % (kind, len(data)) + data))
            return name
        generations = json.loads(must(self.look("log", self.archive, "--json")).stdout)["result"]["generations"]
        tree = obj(b"tree", b"100644 README.md\0" + bytes.fromhex(blob))
        person = b"L <l@l> 1700000000 +0000"
        commit = obj(b"commit", b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\nevil\n" %
                     (tree.encode(), generations[0]["commit"].encode(), person, person))
        (self.git / "refs/heads/main").write_text(commit + "\n")

    def test_links_out_of_the_archive(self):
        """What a link points to outside .git is not read, where the kernel can keep it from being."""
        if "Landlock" not in json.loads(must(assay("doctor", "--json")).stdout)["result"]["sandbox"]["state"]:
            self.skipTest("no Landlock here")
        stored = next(path for path in (self.git / "lfs/objects").rglob("*") if path.is_file())
        shutil.move(stored, self.folder / "elsewhere")
        stored.symlink_to(self.folder / "elsewhere")
        done = self.look("check", self.archive)
        self.assertIn("A121", self.assert_refused(done))

    def test_nothing_is_written_through_a_link(self):
        """Neither `add` nor `check` follows a link in the place of git's own folders and files."""
        other, campaign = self.folder / "second.h5", self.folder / "campaign"
        shutil.copytree(self.campaign, campaign)
        (campaign / "more.txt").write_text("a second generation")
        must(assay("seal", campaign, "--from", "assay", "-o", other, "--key", self.key, "--supersedes", self.bundle))
        for name in ("objects", "objects/pack", "refs", "refs/heads", "refs/heads/main", "refs/tags", "HEAD", "index", "assay", "lfs/objects"):
            with self.subTest(name):
                away = self.folder / "away"
                shutil.move(self.git / name, away)
                (self.git / name).symlink_to(away)
                before = self.listing(away)
                done = self.look("add", self.archive, other, "--key", self.key, *AUTHOR, "--tag", "second")
                self.assertIn(done.returncode, (1, 2), done.stderr.decode())
                self.assertIn(name.split("/")[-1], done.stderr.decode())
                if name not in ("assay", "lfs/objects"):
                    self.assertIn("symbolic link", self.assert_refused(self.look("check", self.archive)))
                self.assertEqual(self.listing(away), before)
                (self.git / name).unlink()
                shutil.move(away, self.git / name)
        must(self.look("add", self.archive, other, "--key", self.key, *AUTHOR, "--tag", "second"))

    @staticmethod
    def listing(path):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        return {str(file): file.read_bytes() for file in files if file.is_file()}

    def test_ten_thousand_tags(self):
        with open(self.git / "packed-refs", "a") as file:
            file.writelines(f"{'a' * 40} refs/tags/t{i}\n" for i in range(10_000))
        done = self.look("check", self.archive)
        self.assertEqual(done.returncode, 5, done.stderr.decode())
        self.assertLess(len(done.stdout), 100_000, "bytes of text")

    def test_namespaces_are_patterns(self):
        key = self.allowed.read_text().split(" ", 1)[1]
        for patterns, status in (("*", 0), ("g?t", 0), ("assay,git", 0), ("assay", 2), ("*,!git", 2)):
            with self.subTest(patterns):
                allowed = self.folder / "allowed"
                allowed.write_text(f'lab@example namespaces="{patterns}" {key}')
                done = self.look("check", self.archive, "--trust", allowed)
                self.assertEqual(done.returncode, status, done.stdout.decode())


if __name__ == "__main__":
    main()
