"""Inputs and outputs that are no plain files, and outputs that do not fit: a clear error, nothing left behind."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from program import ASSAY, Case, assay, main, must, run


class Places(Case):
    def assert_clear_error(self, done, names=""):
        text = done.stderr.decode()
        self.assertEqual(done.returncode, 1, text)
        self.assertIn("error:", text)
        self.assertIn(str(names), text)

    def test_verify_what_is_no_bundle(self):
        fifo, folder, missing = self.folder / "fifo", self.folder / "folder", self.folder / "missing"
        os.mkfifo(fifo)
        folder.mkdir()
        for path in (fifo, folder, missing, "/dev/zero"):
            with self.subTest(path=str(path)):
                done = assay("verify", path, timeout=20)
                self.assertEqual(done.returncode, 1, done.stderr.decode())
                self.assertIn(str(path), done.stderr.decode())

    def test_verify_through_a_link(self):
        link = self.folder / "link.h5"
        link.symlink_to(self.bundle)
        self.assertIn(self.verify(link).returncode, (0, 1, 3))

    def test_seal_a_campaign_with_special_files(self):
        for make in (lambda p: os.mkfifo(p), lambda p: p.symlink_to("/etc/passwd"), lambda p: p.symlink_to(".")):
            copy = self.folder / "campaign"
            shutil.copytree(self.campaign, copy)
            make(copy / "odd")
            done = run(ASSAY, "seal", copy, "--from", "assay", "-o", self.folder / "out.h5", "--key", self.key, timeout=30)
            self.assert_clear_error(done, "odd")
            self.assertFalse((self.folder / "out.h5").exists())
            shutil.rmtree(copy)

    def test_output_exists(self):
        output = self.folder / "out.h5"
        output.write_text("mine")
        self.assert_clear_error(self.seal(output), output.name)
        self.assertEqual(output.read_text(), "mine")
        must(self.seal(output, "--force"))
        self.assert_intact(output)

    def test_force_replaces_files_alone(self):
        """A device, a pipe, a folder or a link to one stays what it is."""
        fifo, folder, link = self.folder / "fifo", self.folder / "folder", self.folder / "link"
        os.mkfifo(fifo)
        folder.mkdir()
        link.symlink_to(fifo)
        for path in (fifo, folder, link, f"{folder}/"):
            with self.subTest(path=str(path)):
                self.assert_clear_error(self.seal(path, "--force"), path)
        self.assertTrue(fifo.is_fifo() and folder.is_dir() and link.is_symlink())
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["fifo", "folder", "link"])
        self.assert_clear_error(self.seal(""), "the name of a file")

    def test_output_folder_is_missing_or_no_folder(self):
        self.assert_clear_error(self.seal(self.folder / "no" / "out.h5"))
        (self.folder / "file").write_text("")
        self.assert_clear_error(self.seal(self.folder / "file" / "out.h5"))
        self.assert_clear_error(self.seal(self.folder, "--force"))

    def test_output_read_only(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        self.folder.chmod(0o500)
        self.assert_clear_error(self.seal(self.folder / "out.h5"))

    def mount(self, *options):
        place = Path(tempfile.mkdtemp(dir=self.folder))
        if subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", place], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", place])
        return place

    def test_output_on_a_read_only_file_system(self):
        place = self.mount("-o", "ro,size=64m")
        self.assert_clear_error(self.seal(place / "out.h5"))

    def test_no_space(self):
        for size in (16, 256, 1024):
            with self.subTest(kib=size):
                place = self.mount("-o", f"size={size}k")
                done = self.seal(place / "out.h5")
                self.assert_clear_error(done)
                self.assertRegex(done.stderr.decode(), "(?i)space")
                self.assertEqual(list(place.iterdir()), [], "left behind on a full disk")

    def test_file_size_limit(self):
        done = run("bash", "-c", 'ulimit -f 200; trap "" XFSZ; exec "$@"', "bash", *self.seal_words(self.folder / "out.h5"))
        self.assert_clear_error(done)
        self.assertFalse((self.folder / "out.h5").exists())

    def test_standard_output_is_closed_or_full(self):
        for target in ("/dev/full",):
            with open(target, "w") as full:
                done = subprocess.run([str(ASSAY), "verify", str(self.bundle), "--json"], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1, done.stderr.decode())
        piped = subprocess.run(f"{ASSAY} show {self.bundle} 1 program | head -c 1", shell=True, capture_output=True, timeout=60)
        self.assertNotIn(b"terminate", piped.stderr)


if __name__ == "__main__":
    main()
