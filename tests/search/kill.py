"""kill -9 of recorder, keeper or program at any moment: whole exchanges kept, chain intact, sealable as incomplete, and it says so;
and nothing goes on running. ASSAY_KILLS sets how many of each (default 6; the figure in docs is for 50)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, FAKETIME, SEARCH, Recorded, assay, journal, main, must  # noqa: E402
from program import Numbers  # noqa: E402

KILLS = int(os.environ.get("ASSAY_KILLS", "6"))


def children(pid):
    try:
        return [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


class Kill(Recorded):
    delay = 0.02

    def setUp(self):
        super().setUp()
        self.key = self.top / "key"
        must(assay("key", "new", self.key))

    def start(self, folder, *options):
        words = [ASSAY, "record", "-o", folder, "--upstream", f"openai={self.base}", *options, "--", *SEARCH, "40", "2"]
        with open(self.top / (folder.name + "-errors"), "wb") as errors:
            return subprocess.Popen([str(w) for w in words], cwd=self.make_work(folder.name + "-work"), env=self.environment(),
                                    stdout=subprocess.DEVNULL, stderr=errors)

    def wait_for(self, requests):
        for _ in range(3000):
            if len(self.seen) >= requests:
                return
            time.sleep(0.01)
        self.fail("the search does not get on")

    def assert_nothing_runs(self, folder):
        """A process that was killed takes a moment to go; one that was not stays for ever."""
        work = str(self.top / (folder.name + "-work"))
        for _ in range(1000):
            left = [p.name for p in Path("/proc").glob("[0-9]*") if self.works_in(p, work)]
            if not left:
                return
            time.sleep(0.01)
        self.fail(f"still running: {left}")

    @staticmethod
    def works_in(process, folder):
        try:
            return os.readlink(process / "cwd").startswith(folder) and b") Z" not in (process / "stat").read_bytes()
        except OSError:
            return False

    def kept(self, folder, seen):
        """Every request that the upstream answered long ago is a whole exchange; returns how many there are."""
        records, torn = journal(folder / "journal")
        numbers = [r[0]["number"] for r in records if r[0]["kind"] == "exchange"]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertGreaterEqual(len(numbers), seen - 3)  # two were under way, and one was being written
        return records

    def assert_sealed_as_incomplete(self, folder):
        bundle = self.top / (folder.name + ".h5")
        done = must(assay("seal", folder, "--from", "record", "-o", bundle, "--key", self.key))
        self.assertIn("incomplete", must(assay("show", bundle)).stdout.decode() + done.stdout.decode())
        bundle.unlink()

    def done_with(self, folder):
        shutil.rmtree(self.top / (folder.name + "-work"), ignore_errors=True)
        shutil.rmtree(folder)

    def test_recorder(self):
        numbers, most = Numbers(11), 0
        for i in range(KILLS):
            self.seen.clear()
            folder = self.top / f"r{i}"
            recorder = self.start(folder)
            self.wait_for(1 + numbers.below(30))
            time.sleep(numbers.below(50) / 1000)
            recorder.send_signal(signal.SIGKILL)
            recorder.wait()
            self.assert_nothing_runs(folder)
            records = self.kept(folder, len(self.seen))
            self.assertNotEqual(records[-1][0]["kind"], "end")
            self.assert_sealed_as_incomplete(folder)
            most = max(most, len(records) - 1)
            self.done_with(folder)
        self.assertGreater(most, 5)

    def test_a_deterministic_recorder(self):
        if not FAKETIME:
            self.skipTest("libfaketime is not installed")
        for i in range(max(1, KILLS // 3)):
            self.seen.clear()
            folder = self.top / f"d{i}"
            recorder = self.start(folder, "--deterministic")
            self.wait_for(2 + i)
            recorder.send_signal(signal.SIGKILL)
            recorder.wait()
            self.assert_nothing_runs(folder)
            self.assertTrue((folder / "gate").is_socket())  # what it leaves behind is passed over
            self.assert_sealed_as_incomplete(folder)
            self.done_with(folder)

    def test_a_cut_record_is_sealed_and_says_so(self):
        folder = self.top / "cut"
        recorder = self.start(folder)
        self.wait_for(7)
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
        with open(folder / "journal", "ab") as file:
            file.write(b"AJR1\x10\0\0\0")  # a record that was being written
        self.assert_sealed_as_incomplete(folder)

    def kill_one(self, name, seed, generation):
        numbers = Numbers(seed)
        for i in range(KILLS):
            self.seen.clear()
            folder = self.top / f"{name}{i}"
            recorder = self.start(folder)
            self.wait_for(1 + numbers.below(20))
            victims = [recorder.pid]
            for _ in range(generation):
                victims = [c for v in victims for c in children(v)]
            for victim in victims[:1]:
                os.kill(victim, signal.SIGKILL)
            recorder.wait(60)
            self.assert_nothing_runs(folder)
            records, torn = journal(folder / "journal")
            self.assertEqual(torn, 0)
            self.assertEqual(records[-1][0]["kind"], "end", (self.top / f"{name}{i}-errors").read_text())
            self.assertIn(records[-1][0]["status"], (0, 137))
            must(assay("seal", folder, "--from", "record", "-o", self.top / "k.h5", "--key", self.key))
            shown = must(assay("show", self.top / "k.h5")).stdout.decode()
            if records[-1][0]["status"]:
                self.assertIn("(incomplete: signal 9 ended the program)", shown)
            (self.top / "k.h5").unlink()
            self.done_with(folder)

    def test_program(self):
        self.kill_one("p", 12, 2)

    def test_keeper(self):
        """What stands between recorder and program (replay/search/keeper.hpp)."""
        self.kill_one("k", 13, 1)


if __name__ == "__main__":
    main()
