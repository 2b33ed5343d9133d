"""Damage done on purpose: every change of a bundle's bytes is found by `verify`, and named with its place."""

from program import Case, Numbers, main, ranges


class Damage(Case):
    def setUp(self):
        super().setUp()
        self.bytes = self.bundle.read_bytes()
        self.copy = self.folder / "copy.h5"

    def spoiled(self, data):
        self.copy.write_bytes(data)
        return self.verify(self.copy)

    def assert_found_at(self, done, at):
        text = self.assert_refused(done)
        self.assertTrue(any(a <= at <= b for a, b in ranges(text)), f"byte {at} is in no range of: {text[:1500]}")

    def test_single_bits(self):
        numbers = Numbers(1)
        area = int(self.bytes[:4096].split(b'"signatures":')[1].split(b",")[0].split(b"}")[0])
        places = [numbers.below(len(self.bytes)) for _ in range(24)] + [0, 4095, 4096, len(self.bytes) - 1]
        places += [area + numbers.below(len(self.bytes) - area) for _ in range(12)]
        for at in places:
            with self.subTest(byte=at):
                data = bytearray(self.bytes)
                data[at] ^= 1 << numbers.below(8)
                self.assert_found_at(self.spoiled(data), at)

    def test_truncated(self):
        numbers = Numbers(2)
        for length in [0, 1, 4095, 4096, len(self.bytes) - 1] + [numbers.below(len(self.bytes)) for _ in range(95)]:
            with self.subTest(length=length):
                self.assert_refused(self.spoiled(self.bytes[:length]))

    def test_appended(self):
        for more in (b"\0", b"\n", b"x", b"{}\n", self.bytes):
            with self.subTest(more=more[:8]):
                self.assert_refused(self.spoiled(self.bytes + more))

    def test_bytes_before(self):
        self.assert_refused(self.spoiled(b"\0" * 512 + self.bytes))

    def extents(self):
        lines = self.bytes[int(self.bytes[:4096].split(b'"extents":')[1].split(b",")[0]):].split(b"\n")
        return [line.decode().split("\t") for line in lines if line.count(b"\t") == 5]

    def test_swapped_pieces(self):
        pieces = [e for e in self.extents() if e[5] == "piece"]
        self.assertGreater(len(pieces), 1)
        first, second = pieces[0], pieces[1]
        length = min(int(first[1]), int(second[1]))
        a, b = int(first[0]), int(second[0])
        data = bytearray(self.bytes)
        data[a:a + length], data[b:b + length] = data[b:b + length], data[a:a + length]
        done = self.spoiled(data)
        self.assert_found_at(done, a)
        self.assertIn(first[3].lstrip("/"), done.stdout.decode())

    def test_zeroed_block(self):
        data = bytearray(self.bytes)
        data[len(data) // 2:len(data) // 2 + 4096] = bytes(4096)
        self.assert_found_at(self.spoiled(data), len(data) // 2)

    def test_findings_name_item_or_area(self):
        for extent in self.extents():
            if extent[3] in ("header", "hdf5"):
                continue
            with self.subTest(area=extent[3]):
                data = bytearray(self.bytes)
                data[int(extent[0])] ^= 1
                done = self.spoiled(data)
                self.assert_found_at(done, int(extent[0]))
                self.assertIn(extent[3].lstrip("/"), done.stdout.decode() + done.stderr.decode())

    def test_other_bundle_s_signature(self):
        other = self.folder / "other.h5"
        self.seal(other, "--meta", self.meta("another title"))
        mine, theirs = self.bytes, other.read_bytes()
        cut = lambda data: int(data[:4096].split(b'"signatures":')[1].split(b",")[0].split(b"}")[0])
        self.assert_refused(self.spoiled(mine[:cut(mine)] + theirs[cut(theirs):]))

    def meta(self, title):
        path = self.folder / "meta.json"
        path.write_text('{"title": "%s"}' % title)
        return path


if __name__ == "__main__":
    main()
