"""What the program writes and says of itself: every --json document follows docs/formats/commands.schema.json, the tour of
the README works as it stands, and every command and option that README, documents and help name is there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from program import ASSAY, ROOT, Case, assay, main, must, need_modules, run

need_modules("jsonschema", "referencing")

from schemas import problems  # noqa: E402

AUTHOR = ("--author", "Lab <lab@example.org>")


def commands():
    """name -> the set of its options, from the help itself."""
    lines = must(assay("--help")).stdout.decode().splitlines()
    names = [re.match(r"  ([a-z]+(?: [a-z]+)?)  +[A-Z]", line) for line in lines]
    return {m[1]: set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", must(assay("help", *m[1].split())).stdout.decode()))
            for m in names if m}


class Documents(Case):
    def setUp(self):
        super().setUp()
        self.seen = set()

    def check(self, command, *words, status=0):
        done = assay(*command.split(), *words, "--json", cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr.decode() + done.stdout.decode()[-1000:])
        document = json.loads(done.stdout)
        self.assertEqual(document["command"], command)
        self.assertEqual(problems(document), "")
        self.seen.add(command)
        return document

    def test_every_document_follows_its_schema(self):
        check, bundle, trust = self.check, self.bundle, ("--trust", self.allowed)
        check("key new", "other.key")
        check("key show", "other.key.pub")
        check("doctor")
        check("seal", self.campaign, "--from", "assay", "-o", "first.h5", "--key", self.key)
        check("seal", self.campaign, "--from", "assay", "--dry-run")
        check("seal", self.campaign, "--from", "assay", "-o", "second.h5", "--key", self.key, "--supersedes", "first.h5",
              "--withhold", "programs", "--salts", "salts")
        check("sign", "second.h5", "--key", "other.key", "-o", "both.h5")
        check("sign", "second.h5", "--key", "other.key", "--detached")
        for file in ("first.h5", "second.h5", "both.h5"):
            check("verify", file, *trust)
        check("verify", "second.h5", *trust, "--signature", "second.h5.sig.json")
        for words in ([], ["1"], ["claims"], ["baselines"], ["steps"], ["knowledge"], ["environment"], ["experiments"], ["manifest"],
                      ["statement"], ["completeness"]):
            check("show", "second.h5", *words)
        check("list", "first.h5", "--where", "score > 0.5", "--columns", "id,parents,score,metric.accuracy")
        check("audit", "first.h5", "1")
        check("audit", "first.h5", "--from", "experiment:0")
        check("diff", "first.h5", "1")
        check("diff", "first.h5", "second.h5")
        check("prove", "first.h5", "1", "-o", "1.proof")
        check("verify", "1.proof", *trust)
        check("verify", "1.proof", status=5)
        check("prove", "first.h5", "--c2sp", "--key", self.key, "-o", "checkpoint")
        check("export", "first.h5", "-o", "folder")
        check("export", "first.h5", "--without", "checkpoints", "-o", "smaller.h5")
        # Its layout is signed by nobody, so less is proved.
        self.assertIn("whoever exported it", check("verify", "smaller.h5", *trust)["result"]["proves"][0])
        self.assertIn("Every byte", check("verify", "first.h5", *trust)["result"]["proves"][0])
        check("disclose", "second.h5", "experiments/1/program.py", "--content", self.campaign / "experiments/1/program.py", "--salts",
              "salts", "-o", "given.py")
        check("verify", "second.h5", *trust, "--disclosed", "given.py.json")
        check("report", "first.h5", "-o", "report", *trust)
        check("recipe list")
        for name in ("check", "search-tiny", "search-asi-arch"):
            check("recipe show", name)
        check("archive init", "history", "--key", self.key, *AUTHOR)
        check("archive init", "bare")
        for file in ("first.h5", "second.h5"):
            check("archive add", "history", file, "--key", self.key, *AUTHOR, "--tag", file.split(".")[0])
        check("archive log", "history")
        check("archive check", "history", *trust)
        check("verify", "history", status=5)
        shutil.rmtree(self.folder / "history/.git/lfs")
        check("archive check", "history", *trust, status=2)
        self.stamp()
        no_json = {name for name, options in commands().items() if "--json" not in options}
        self.assertEqual(no_json, {"help", "man", "completion"}, "commands that write texts for people alone")
        elsewhere = {"train", "replay", "record", "search"}  # of the replay engine, with tests of their own
        self.assertEqual(self.seen, set(commands()) - no_json - elsewhere - ({"timestamp attach"} - self.seen))
        damaged = bytearray(bundle.read_bytes())
        damaged[5000] ^= 1
        (self.folder / "damaged.h5").write_bytes(damaged)
        check("verify", "damaged.h5", *trust, status=2)
        check("list", "no such file", status=1)
        check("list", "first.h5", "--where", "(", status=1)
        check("sign", "damaged.h5", "--key", self.key, status=2)

    def stamp(self):
        self.check("timestamp query", "first.h5")
        if not shutil.which("openssl"):
            return
        openssl = lambda *words: must(run("openssl", *words, cwd=self.folder))  # noqa: E731
        (self.folder / "tsa.cnf").write_text(
            "[req]\ndistinguished_name=dn\n[dn]\n[ext]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
            "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ndefault_policy=1.2.3\ndigests=sha256\nsigner_digest=sha256\n")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.pem", "-subj", "/CN=tsa", "-days",
                "30", "-config", "tsa.cnf", "-extensions", "ext")
        (self.folder / "serial").write_text("01\n")
        openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "first.h5.tsq", "-signer", "tsa.pem", "-inkey",
                "tsa.key", "-out", "reply.tsr")
        self.check("timestamp attach", "first.h5", "reply.tsr", "--tsa-ca", "tsa.pem")
        self.check("verify", "first.h5", "--trust", self.allowed, "--tsa-ca", "tsa.pem")


class Texts(Case):
    def test_the_tour_of_the_readme(self):
        tour = (ROOT / "README.md").read_text().split("## A tour")[1].split("\n## ")[0]
        lines = re.findall(r"^    \$ (.*)$", tour, re.M)
        self.assertGreater(len(lines), 5)
        (self.folder / "archives").symlink_to(ROOT / "archives")
        (self.folder / "bin").mkdir()
        (self.folder / "bin/assay").symlink_to(ASSAY)
        environment = os.environ | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        for line in lines:
            with self.subTest(line):
                done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode()[-500:])

    def test_commands_and_options_that_are_named_exist(self):
        known = commands()
        self.assertGreater(len(known), 20)
        texts = {path: (ROOT / path).read_text() for path in ("README.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md")))}
        texts |= {f"help {name}": must(assay("help", *name.split())).stdout.decode() for name in known}
        for topic in ("bundle", "trust", "verdicts", "replay", "archive", "withheld", "exit-status"):
            texts[f"help {topic}"] = must(assay("help", topic)).stdout.decode()
        for place, text in texts.items():
            for line in re.findall(r"^ +(?:\$ )?assay ([a-z].*)$|`assay ([a-z][^`]*)`", text, re.M):
                words = "".join(line).split(" -- ")[0].split()  # after it the words are another command's
                name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
                groups = {n.split()[0] for n in known if " " in n}
                self.assertTrue(name in known or name in groups, f"{place}: assay {''.join(line)}")
                for option in (w for w in words if w.startswith("-") and name in known):
                    self.assertIn(option, known[name], f"{place}: assay {''.join(line)}")


if __name__ == "__main__":
    main()
