"""Other people's tools accept what the command line writes: ssh-keygen and openssl the keys and signatures, openssl ts
the timestamps, git and git-lfs the archive, model_signing the model.sig, sha256sum an export."""

import base64
import json
import os
import shutil
import sys
from pathlib import Path

from program import ASSAY, Case, assay, main, must, run

PAYLOAD = b"application/vnd.in-toto+json"


class Tools(Case):
    def need(self, *tools):
        for tool in tools:
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")

    def need_command(self, *words):
        if assay(*words, "--help").returncode != 0:
            self.skipTest(f"this build has no {' '.join(words)}")

    def seal_with(self, key):
        output = self.folder / "sealed.h5"
        must(run(ASSAY, "seal", self.campaign, "--from", "assay", "-o", output, "--key", key, "--force"))
        return output

    def envelope(self, bundle):
        data = bundle.read_bytes()
        return json.loads(data[json.loads(data[:4096].rstrip(b"\0"))["signatures"]:].splitlines()[0])


class Keys(Tools):
    def test_ssh_keygen_reads_our_key(self):
        self.need("ssh-keygen")
        shown = must(assay("key", "show", self.key)).stdout.decode()
        listed = must(run("ssh-keygen", "-l", "-f", f"{self.key}.pub")).stdout.decode()
        self.assertIn(listed.split()[1], shown)
        public = must(run("ssh-keygen", "-y", "-f", self.key)).stdout.decode()
        self.assertEqual(public.split()[1], Path(f"{self.key}.pub").read_text().split()[1])
        self.assertEqual(Path(self.key).stat().st_mode & 0o777, 0o600)

    def test_keys_of_ssh_keygen_and_openssl_sign(self):
        self.need("ssh-keygen", "openssl")
        must(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a@b", "-f", self.folder / "ssh"))
        must(run("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / "pem"))
        (self.folder / "pem").chmod(0o600)
        for key in ("ssh", "pem"):
            bundle = self.seal_with(self.folder / key)
            done = assay("verify", bundle)
            self.assertIn(done.returncode, (3, 5), done.stderr.decode())  # intact, signer unknown

    def test_openssl_verifies_the_signature(self):
        self.need("openssl")
        envelope = self.envelope(self.bundle)
        payload = base64.b64decode(envelope["payload"])
        message = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD, len(payload), payload)
        raw = base64.b64decode(envelope["signatures"][0]["keyid"].split()[1])[-32:]
        info = bytes.fromhex("302a300506032b6570032100") + raw  # RFC 8410: SubjectPublicKeyInfo of Ed25519
        (self.folder / "key.der").write_bytes(info)
        (self.folder / "message").write_bytes(message)
        (self.folder / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        words = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "message",
                 "-sigfile", "sig")
        must(run(*words, cwd=self.folder))
        (self.folder / "message").write_bytes(message + b" ")
        self.assertNotEqual(run(*words, cwd=self.folder).returncode, 0)

    def test_encrypted_key_is_refused_with_the_way_out(self):
        self.need("ssh-keygen")
        must(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", self.folder / "locked"))
        done = run(ASSAY, "seal", self.campaign, "--from", "assay", "-o", self.folder / "x.h5", "--key", self.folder / "locked")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), "ssh-add|ssh-agent")


class Archive(Tools):
    def setUp(self):
        super().setUp()
        self.need("git", "git-lfs")
        done = assay("archive", "init", self.folder / "archive")
        if done.returncode != 0:
            self.skipTest(done.stderr.decode().strip())
        os.environ.update(GIT_AUTHOR_NAME="Test", GIT_AUTHOR_EMAIL="test@example", GIT_CONFIG_NOSYSTEM="1",
                          HOME=str(self.folder), GIT_TERMINAL_PROMPT="0")
        self.archive = self.folder / "archive"
        must(assay("archive", "add", self.archive, self.bundle, "--key", self.key))

    def git(self, *words, cwd=None):
        return run("git", "-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={self.allowed}", *words,
                   cwd=cwd or self.archive)

    def test_stock_git_accepts_it(self):
        must(self.git("verify-commit", "HEAD"))
        must(self.git("fsck", "--strict"))
        must(self.git("lfs", "fsck"))
        self.assertEqual(must(self.git("status", "--porcelain")).stdout, b"")

    def test_tags_are_signed(self):
        tags = must(self.git("tag")).stdout.decode().split()
        for tag in tags:
            must(self.git("verify-tag", tag))

    def test_clone_and_check_out(self):
        must(self.git("lfs", "install", "--local"))
        clone = self.folder / "clone"
        must(self.git("clone", "-q", self.archive, clone, cwd=self.folder))
        must(self.git("lfs", "install", "--local", cwd=clone))
        must(self.git("lfs", "pull", cwd=clone))
        bundles = [p for p in clone.rglob("*.h5") if ".git" not in p.parts]
        self.assertEqual([p.read_bytes() for p in bundles], [self.bundle.read_bytes()])
        programs = {p.read_bytes() for p in clone.rglob("*.py")}
        for program in self.campaign.rglob("program.py"):
            self.assertIn(program.read_bytes(), programs)


class Timestamps(Tools):
    def authority(self):
        """A local RFC 3161 authority: a root, and a timestamping certificate below it."""
        (self.folder / "ts.cnf").write_text(
            "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = ts.pem\nsigner_key = ts.key\nsigner_digest = sha256\n"
            "default_policy = 1.2.3.4\ndigests = sha256,sha512\nordering = no\ntsa_name = no\ness_cert_id_chain = no\n"
            "[ext]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n")
        (self.folder / "serial").write_text("01\n")
        for words in (
                ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=root", "-days", "30"],
                ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "ts.key", "-out", "ts.csr", "-subj", "/CN=tsa"],
                ["x509", "-req", "-in", "ts.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "ts.pem", "-days", "20",
                 "-extfile", "ts.cnf", "-extensions", "ext"]):
            must(run("openssl", *words, cwd=self.folder))

    def test_openssl_ts(self):
        self.need("openssl")
        self.need_command("timestamp", "query")
        self.authority()
        bundle = self.folder / "b.h5"
        shutil.copyfile(self.bundle, bundle)
        query, reply = self.folder / "b.tsq", self.folder / "b.tsr"
        must(assay("timestamp", "query", bundle, "-o", query))
        must(run("openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", query, "-out", reply, cwd=self.folder))
        must(run("openssl", "ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", "ca.pem", "-untrusted", "ts.pem", cwd=self.folder))
        done = assay("timestamp", "attach", bundle, reply, "--tsa-ca", self.folder / "ca.pem")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        done = self.verify(bundle, "--tsa-ca", self.folder / "ca.pem")
        self.assertIn(done.returncode, (0, 3), done.stderr.decode())
        self.assertIn("timestamp", done.stdout.decode())


class Exports(Tools):
    def test_export_gives_the_files_back(self):
        self.need_command("export")
        output = self.folder / "out"
        must(assay("export", self.bundle, "-o", output))
        for file in self.campaign.rglob("*"):
            if file.is_file():
                self.assertEqual((output / file.relative_to(self.campaign)).read_bytes(), file.read_bytes(), file.name)

    def test_exported_campaign_seals_to_the_same_bytes(self):
        self.need_command("export")
        output, again = self.folder / "out", self.folder / "again.h5"
        must(assay("export", self.bundle, "-o", output))
        must(run(ASSAY, "seal", output, "--from", "assay", "-o", again, "--key", self.key))
        self.assertEqual(again.read_bytes(), self.bundle.read_bytes())

    def test_model_signing_verifies(self):
        self.need_command("export")
        self.need("openssl")
        if run(sys.executable, "-m", "model_signing", "--help").returncode != 0:
            self.skipTest("Python module model_signing is not installed")
        must(run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.pem", cwd=self.folder))
        must(run("openssl", "ec", "-in", "ec.pem", "-pubout", "-out", "ec.pub", cwd=self.folder))
        model = self.folder / "model"
        must(assay("export", self.bundle, "-o", model, "--model-signing", self.folder / "ec.pem"))
        words = (sys.executable, "-m", "model_signing", "verify", "key", model, "--signature", model / "model.sig",
                 "--public_key", self.folder / "ec.pub")
        done = run(*words)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())
        with open(model / "notes.txt", "ab") as file:
            file.write(b"X")
        self.assertNotEqual(run(*words).returncode, 0)


if __name__ == "__main__":
    main()
