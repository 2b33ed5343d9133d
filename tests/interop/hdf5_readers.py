"""Other people's HDF5 readers read a bundle: h5py with hdf5plugin, pandas, h5dump and h5ls, and a reader written from
docs/formats/bundle.md alone."""

import json
import re
import shutil
import sys
from pathlib import Path

from program import ROOT, Case, main, must, need_modules, run

need_modules("h5py", "hdf5plugin", "numpy", "pandas")

import h5py  # noqa: E402
import hdf5plugin  # noqa: E402
import numpy  # noqa: E402
import pandas  # noqa: E402

WEIGHTS = "experiments/1/model.safetensors"


class Readers(Case):
    campaign_options = {"experiments": 12, "log_bytes": 1_000_000}

    def open(self):
        file = h5py.File(self.bundle, "r")
        self.addCleanup(file.close)
        return file

    def test_h5py_reads_every_blob(self):
        file = self.open()
        offsets, found = file["index/offset"][:], 0
        for line, at in zip(bytes(file["manifest"][:]).decode().splitlines(), offsets):
            name, kind, size, _ = line.split("\t")
            source = self.campaign / name
            if kind == "bytes" and source.is_file():
                self.assertEqual(file["blobs"][at:at + int(size)].tobytes(), source.read_bytes(), name)
                found += 1
        files = [p for p in self.campaign.rglob("*") if p.is_file() and p.suffix != ".safetensors"]
        self.assertEqual(found, len(files))

    def test_h5py_reads_tensors(self):
        file, data = self.open(), (self.campaign / WEIGHTS).read_bytes()
        size = int.from_bytes(data[:8], "little")
        for name, entry in json.loads(data[8:8 + size]).items():
            begin, end = entry["data_offsets"]
            array = file[f"{WEIGHTS}/{name}"]
            self.assertEqual(list(array.shape), entry["shape"], name)
            self.assertEqual(numpy.ascontiguousarray(array[()]).tobytes(), data[8 + size + begin:8 + size + end], name)
        self.assertEqual(file[f"{WEIGHTS}/a.weight"].dtype, numpy.dtype("<f4"))
        self.assertEqual(file[f"{WEIGHTS}/c"].dtype, numpy.dtype("<f2"))
        self.assertEqual(file[f"{WEIGHTS}/count"][()], -5)

    def test_pandas_gets_what_the_csv_says(self):
        file, frames = self.open(), []
        ids = file["columns/experiments/id"].asstr()[:]
        self.assertEqual(list(ids), [str(i) for i in range(12)])
        column = file["columns/metrics/train_loss"]
        sealed = pandas.DataFrame({k: column[k][:] for k in ("experiment", "step", "value")})
        for row, experiment in enumerate(ids):
            frame = pandas.read_csv(self.campaign / "experiments" / experiment / "metrics.csv")
            frame = frame[frame.metric == "train_loss"]
            frames.append(pandas.DataFrame({"experiment": row, "step": frame.step.astype("int64"), "value": frame.value}))
        pandas.testing.assert_frame_equal(sealed, pandas.concat(frames, ignore_index=True))
        curves = sealed.pivot(index="step", columns="experiment", values="value")  # ready to plot
        self.assertEqual(curves.shape, (10, 12))
        scores = file["columns/metrics/accuracy"]
        self.assertEqual(list(scores["value"][:]), [(500 + i) / 1000 for i in range(12)])

    def test_h5dump(self):
        tool = self.tool("h5dump")
        text = must(run(tool, "-d", "/columns/experiments/score", self.bundle)).stdout.decode()
        values = [float(v) for line in re.findall(r"\(\d+\): (.*)", text) for v in line.strip(", ").split(",")]
        numpy.testing.assert_allclose(values, [0.5 + i / 100 for i in range(12)], rtol=1e-5)  # h5dump prints six digits
        ids = must(run(tool, "-d", "/columns/experiments/id", self.bundle)).stdout.decode()
        self.assertIn('"11', ids)

    def test_h5dump_unpacks_zstd(self):
        tool = self.tool("h5dump")
        environment = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH, "PATH": "/usr/bin:/bin"}
        output = self.folder / "blobs"
        done = must(run(tool, "-d", "/blobs", "-b", "LE", "-o", output, self.bundle, env=environment))
        if not output.exists() or output.stat().st_size == 0:
            self.skipTest(f"the filter of hdf5plugin does not load into {tool}: {done.stderr.decode()[:200]}")
        with h5py.File(self.bundle) as file:
            self.assertEqual(output.read_bytes(), file["blobs"][:].tobytes())

    def test_h5ls(self):
        text = must(run(self.tool("h5ls"), "-r", self.bundle)).stdout.decode()
        self.assertRegex(text, r"/columns/experiments/score\s+Dataset \{12\}")
        self.assertRegex(text, r"a\.weight\s+Dataset \{300, 1000\}")

    def tool(self, name):
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed")
        return name


class Stranger(Case):
    """tests/interop/reader.py: the page suffices."""

    def read(self, path):
        return run(sys.executable, ROOT / "tests/interop/reader.py", path)

    def setUp(self):
        super().setUp()
        need = run(sys.executable, "-c", "import cryptography")
        if need.returncode != 0:
            self.skipTest("Python module cryptography is not installed")

    def test_reads_what_assay_seals(self):
        answer = json.loads(must(self.read(self.bundle)).stdout)
        self.assertEqual(answer["problems"], [])
        self.assertEqual(answer["signers"], [" ".join(Path(f"{self.key}.pub").read_text().split()[:2])])
        verified = json.loads(self.verify(self.bundle).stdout)
        self.assertEqual(verified["input"]["root"], answer["root"])

    def test_finds_damage(self):
        data = bytearray(self.bundle.read_bytes())
        data[len(data) // 3] ^= 1
        copy = self.folder / "copy.h5"
        copy.write_bytes(data)
        done = self.read(copy)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    main()
