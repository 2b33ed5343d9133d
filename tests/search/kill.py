"""kill -9 of recorder or child at random moments: whole exchanges kept, chain intact, sealable as incomplete, and it says so.
ASSAY_KILLS sets how many (default 10; the figure in docs is for 50)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, SEARCH, Recorded, assay, journal, main, must  # noqa: E402
from program import Numbers  # noqa: E402

KILLS = int(os.environ.get("ASSAY_KILLS", "10"))


class Kill(Recorded):
    delay = 0.02

    def start(self, folder):
        words = [ASSAY, "record", "-o", folder, "--upstream", f"openai={self.base}", "--", *SEARCH, "40", "2"]
        return subprocess.Popen([str(w) for w in words], cwd=self.make_work(folder.name + "-work"), env=self.environment(),
                                stdout=subprocess.DEVNULL, stderr=open(self.top / (folder.name + "-errors"), "wb"))

    def wait_for(self, requests):
        for _ in range(3000):
            if len(self.seen) >= requests:
                return
            time.sleep(0.01)
        self.fail("the search does not get on")

    def kept(self, folder, seen):
        """Every request that the upstream answered long ago is a whole exchange; returns how many there are."""
        if not (folder / "journal").exists():
            return 0
        records, torn = journal(folder / "journal")
        numbers = [r[0]["number"] for r in records if r[0]["kind"] == "exchange"]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertGreaterEqual(len(numbers), seen - 3)  # two were under way, and one was being written
        return len(numbers)

    def test_recorder(self):
        numbers, most = Numbers(11), 0
        for i in range(KILLS):
            self.seen.clear()
            folder = self.top / f"r{i}"
            recorder = self.start(folder)
            self.wait_for(numbers.below(30))
            time.sleep(numbers.below(50) / 1000)
            recorder.send_signal(signal.SIGKILL)
            recorder.wait()
            most = max(most, self.kept(folder, len(self.seen)))
            shutil.rmtree(self.top / f"r{i}-work", ignore_errors=True)
        self.assertGreater(most, 5)

    def test_a_cut_record_is_sealed_and_says_so(self):
        folder = self.top / "cut"
        recorder = self.start(folder)
        self.wait_for(7)
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
        with open(folder / "journal", "ab") as file:
            file.write(b"AJR1\x10\0\0\0")  # a record that was being written
        key = self.top / "key"
        must(assay("key", "new", key))
        done = must(assay("seal", folder, "--from", "record", "-o", self.top / "cut.h5", "--key", key))
        shown = must(assay("show", self.top / "cut.h5")).stdout.decode() + done.stdout.decode()
        self.assertIn("incomplete", shown)

    def test_child(self):
        numbers = Numbers(12)
        for i in range(max(2, KILLS // 3)):
            self.seen.clear()
            folder = self.top / f"c{i}"
            recorder = self.start(folder)
            self.wait_for(1 + numbers.below(20))
            try:
                children = Path(f"/proc/{recorder.pid}/task/{recorder.pid}/children").read_text().split()
                os.kill(int(children[0]), signal.SIGKILL)
            except (IndexError, ProcessLookupError, FileNotFoundError):
                pass
            recorder.wait(60)
            records, torn = journal(folder / "journal")
            self.assertEqual(torn, 0)
            self.assertEqual(records[-1][0]["kind"], "end", (self.top / f"c{i}-errors").read_text())
            self.assertIn(records[-1][0]["status"], (0, 137))


if __name__ == "__main__":
    main()
