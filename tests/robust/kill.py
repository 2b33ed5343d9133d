"""SIGKILL at random moments: nothing half-written is taken for whole, the same command again succeeds without cleaning
by hand, and no child outlives its parent. ASSAY_KILLS sets how many (default 40; the figure in docs is for 200)."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import time

from program import ASSAY, Case, Numbers, assay, main, must, run

KILLS = int(os.environ.get("ASSAY_KILLS", "40"))
PR_SET_CHILD_SUBREAPER = 36


def children():
    """Living children of this process: orphans of killed programs come here, since it is their subreaper."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return []


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


class Kill(Case):
    campaign_options = {"experiments": 12, "log_bytes": 400_000}

    @classmethod
    def setUpClass(cls):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        super().setUpClass()
        cls.root = json.loads(must(assay("show", cls.bundle, "--json")).stdout)["input"]["root"]

    def run_and_kill(self, words, after):
        """True if the program was still running when it was killed."""
        program = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            program.wait(timeout=after)
            return False
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGKILL)
            program.wait()
            return True
        finally:
            self.assert_no_orphans(words)

    def assert_no_orphans(self, words):
        for _ in range(100):
            reap()
            if not children():
                return
            time.sleep(0.02)
        self.fail(f"children of a killed {words[1]} live on: {children()}")

    def took(self, words):
        start = time.monotonic()
        must(subprocess.run([str(w) for w in words], capture_output=True))
        return time.monotonic() - start

    def test_seal(self):
        output, whole = self.folder / "out.h5", self.bundle.read_bytes()
        words = self.seal_words(output)
        duration, numbers, killed = self.took(words), Numbers(3), 0
        output.unlink()
        for _ in range(KILLS):
            killed += self.run_and_kill(words, duration * numbers.below(1000) / 1000)
            if output.exists():
                self.assertEqual(output.read_bytes(), whole, "a half-written bundle under its final name")
                output.unlink()
        self.assertGreater(killed, KILLS // 4)
        must(self.seal(output))
        self.assertEqual(output.read_bytes(), whole)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["out.h5"], "left-overs beside the bundle")

    def test_seal_over_an_older_bundle(self):
        output = self.folder / "out.h5"
        output.write_bytes(b"older")
        words = self.seal_words(output, "--force")
        duration, numbers = self.took(words), Numbers(4)
        whole = output.read_bytes()
        for _ in range(KILLS // 4):
            output.write_bytes(b"older")
            self.run_and_kill(words, duration * numbers.below(1000) / 1000)
            self.assertIn(output.read_bytes(), (b"older", whole))

    def test_archive_add(self):
        os.environ.update(GIT_AUTHOR_NAME="Test", GIT_AUTHOR_EMAIL="test@example")
        done = assay("archive", "init", self.folder / "first")
        if b"not installed" in done.stderr or b"no command" in done.stderr:
            self.skipTest("this build has no git store")
        must(done)
        add = lambda archive: [ASSAY, "archive", "add", archive, self.bundle, "--key", self.key]
        duration, numbers, killed = self.took(add(self.folder / "first")), Numbers(5), 0
        archive = self.folder / "first"
        for i in range(KILLS):
            if i % 8 == 0:  # killed up to eight times in one archive, then a new one
                archive = self.folder / str(i)
                must(assay("archive", "init", archive))
            killed += self.run_and_kill(add(archive), duration * numbers.below(1000) / 1000)
            self.assert_archive_holds(archive)
            if i % 8 == 7:
                must(run(*add(archive)))
                self.assert_archive_holds(archive, generations=1)
        self.assertGreater(killed, KILLS // 8)

    def assert_archive_holds(self, archive, generations=None):
        check = assay("archive", "check", archive, "--json")
        self.assertIn(check.returncode, (0, 5), check.stderr.decode() + check.stdout.decode())
        log = assay("archive", "log", archive)
        self.assertEqual(log.returncode, 0, log.stderr.decode())
        if generations is not None:
            self.assertIn(self.root[:8], log.stdout.decode().replace(" ", ""))

    def test_interrupted_commands_leave_nothing(self):
        """SIGINT, SIGTERM, SIGHUP: status 130, and nothing under a temporary name, file or folder."""
        commands = {"seal": self.seal_words(self.folder / "out"),
                    "export": [ASSAY, "export", self.bundle, "-o", self.folder / "out"],
                    "export --without": [ASSAY, "export", self.bundle, "--without", "metrics", "-o", self.folder / "out"],
                    "prove": [ASSAY, "prove", self.bundle, "1", "-o", self.folder / "out"]}
        numbers, interrupted = Numbers(8), 0
        for name, words in commands.items():
            duration = self.took(words)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 2:
                with self.subTest(name, signal=number.name):
                    self.remove_output()
                    program = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    time.sleep(0.01 + duration * numbers.below(800) / 1000)
                    program.send_signal(number)
                    # It may not have set up anything yet on a busy machine: then the signal itself ends it.
                    self.assertIn(status := program.wait(), (0, 130, -number))
                    interrupted += status == 130
                    self.assertLessEqual({path.name for path in self.folder.iterdir()}, {"out"})
                    self.assert_no_orphans(words)
            self.remove_output()
        self.assertGreater(interrupted, 6)

    def remove_output(self):
        output = self.folder / "out"
        shutil.rmtree(output) if output.is_dir() else output.unlink(missing_ok=True)

    def test_verify_leaves_no_child(self):
        words = [ASSAY, "verify", self.bundle, "--trust", self.allowed]
        numbers = Numbers(6)
        for _ in range(KILLS):
            self.run_and_kill(words, 0.08 * numbers.below(1000) / 1000)


if __name__ == "__main__":
    main()
