"""The same input gives the same file: in another process, on another day, under another host name, with other threads,
another user's environment and another order of the folder."""

import os
import shutil
import subprocess

from program import Case, main, must, run


class SameBytes(Case):
    def assert_same(self, name, prefix=(), environment=None, source=None):
        output = self.folder / "out.h5"
        words = self.seal_words(output)
        if source:
            words[2] = source
        must(run(*prefix, *words, env={**os.environ, **(environment or {})}))
        self.assertEqual(output.read_bytes(), self.bundle.read_bytes(), name)

    def test_another_process(self):
        self.assert_same("another process")

    def test_other_threads(self):
        for threads in ("1", "3", "16"):
            self.assert_same(threads + " threads", environment={"ASSAY_THREADS": threads})
            (self.folder / "out.h5").unlink()

    def test_another_environment(self):
        self.assert_same("environment", environment={"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "HOME": str(self.folder),
                                                     "USER": "somebody", "COLUMNS": "40", "SOURCE_DATE_EPOCH": "1"})

    def test_another_folder(self):
        copy = self.folder / "elsewhere" / "named otherwise"
        copy.parent.mkdir()
        shutil.copytree(self.campaign, copy)
        for file in copy.rglob("*"):
            os.utime(file, (1, 1))
        self.assert_same("another folder", source=copy)

    def test_another_order_of_files(self):
        copy = self.folder / "backwards"
        copy.mkdir()
        for file in sorted(self.campaign.rglob("*"), reverse=True):
            if file.is_file():
                target = copy / file.relative_to(self.campaign)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        self.assert_same("another order", source=copy)

    def test_another_day(self):
        if not shutil.which("faketime"):
            self.skipTest("faketime is not installed")
        # faketime preloads a library, which AddressSanitizer wants to come after its own.
        self.assert_same("another day", prefix=("faketime", "2031-02-03 04:05:06"),
                         environment={"ASAN_OPTIONS": "verify_asan_link_order=0"})

    def test_another_clock(self):
        """A day 400 days on, in a time namespace, where faketime is absent: boot and monotonic clocks only."""
        prefix = ("unshare", "--user", "--map-root-user", "--time", "--boottime", "34560000", "--monotonic", "34560000")
        if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
            self.skipTest("no time namespaces here")
        self.assert_same("another clock", prefix=prefix)

    def test_another_host_name(self):
        prefix = ("unshare", "--user", "--map-root-user", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh")
        if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
            self.skipTest("no user namespaces here")
        self.assert_same("another host name", prefix=prefix)

    def test_no_host_fact_inside(self):
        data = self.bundle.read_bytes()
        for fact in (os.uname().nodename, str(self.shared), os.uname().release):
            self.assertFalse(len(fact) > 4 and fact.encode() in data, f"{fact} is in the bundle")


if __name__ == "__main__":
    main()
