"""`assay replay FILE --search`: a recorded search again, offline; and one byte changed anywhere is found at the right exchange."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, FAKETIME, SEARCH, Recorded, assay, journal, main, must, run, write_journal  # noqa: E402



PROBE = """
import os, socket, urllib.request
def can(kind, address):
    try:
        with socket.socket(socket.AF_INET, kind) as one:
            one.connect(address)
            return True
    except OSError:
        return False
answer = urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b'{"model": "m"}')).status
found = f"stranger-{can(socket.SOCK_STREAM, ('127.0.0.1', PORT))} datagram-{can(socket.SOCK_DGRAM, ('127.0.0.1', 53))} {answer}"
open("probe.txt", "w").write(found)
print(found)
"""


# A pool of processes whose results a loop looks for every 10 ms, then threads that race for one stream and one file.
POOL = """
import concurrent.futures, json, os, threading, time, urllib.request, uuid
def ask(text):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)))["choices"][0]["message"]["content"]
def work(n):
    name = uuid.uuid4().hex
    return f"{name} {n} {ask(f'{n} {name}')}"
log = open("log.txt", "w", buffering=1)
with concurrent.futures.ProcessPoolExecutor(3) as pool:
    futures = [pool.submit(work, n) for n in range(9)]
    while futures:
        done = [f for f in futures if f.done()]
        for f in done:
            futures.remove(f)
            log.write(f"{uuid.uuid4().hex} {f.result()}\\n")
        if not done:
            time.sleep(0.01)
def begin(n):
    log.write(f"{uuid.uuid4().hex} begins\\n")
    log.write(f"{ask(f'{n} {uuid.uuid4().hex}')}\\n")
threads = [threading.Thread(target=begin, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
"""

# Each thread starts another while the one that started it starts the next: who comes first goes by how long each takes.
STARTS = """
import os, sys, threading, urllib.request
def spin(thousands):
    for _ in range(1000 * thousands): pass
first, others = map(int, sys.argv[1:])
log = open("log.txt", "w", buffering=1)
def work(name, depth):
    log.write(f"{name} begins\\n")
    if depth:
        spin(others)
        begin(f"{name}.{depth}", depth - 1).join()
def begin(name, depth):
    thread = threading.Thread(target=work, args=(name, depth))
    thread.start()
    return thread
threads = []
for name in "abcd":
    threads.append(begin(name, 2))
    spin(first)
for thread in threads: thread.join()
urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b'{"model": "m"}')).read()
"""


class Replay(Recorded):
    def setUp(self):
        super().setUp()
        if not FAKETIME:
            self.skipTest("libfaketime is not installed")

    def deterministic(self, *command, **more):
        done = self.record(*command, options=["--deterministic"], **more)
        return must(done)

    def replay(self, what, *options):
        """(exit status, the result's document)"""
        done = assay("replay", what, "--search", "--json", *options)
        return done.returncode, self.result(done)

    def assert_equal(self, what, exchanges):
        status, result = self.replay(what)
        self.assertEqual((status, result["equal"], result["answered"], result["tree_differences"]), (0, True, exchanges, []), result)
        self.assertTrue(result["tree_compared"] and result["mounted"])
        return result

    def test_from_the_bundle_with_the_server_gone(self):
        self.deterministic(*SEARCH, "6")
        key, bundle = self.top / "key", self.top / "s.h5"
        must(assay("key", "new", key))
        must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        shutil.rmtree(self.run_folder)
        self.server.shutdown()
        before = sorted(p.name for p in self.work.rglob("*"))
        result = self.assert_equal(bundle, 12)
        self.assertIn("etwork namespace" if "network" in result["walls"] else "Landlock", result["walls"])
        self.assertEqual(before, sorted(p.name for p in self.work.rglob("*")), "the rerun wrote into the recorded folder")
        text = must(assay("replay", bundle, "--search")).stdout.decode()
        self.assertIn("equal: 12 requests of 12 equal", text)

    def test_three_workers(self):
        self.deterministic(*SEARCH, "9", "3")
        self.assert_equal(self.run_folder, 18)

    def test_where_no_namespace_can_be_had(self):
        """Landlock holds it to one port, seccomp to TCP; the tree cannot be mounted, so it runs elsewhere."""
        probe = self.work / "probe.py"
        probe.write_text(PROBE.replace("PORT", str(self.server.server_port)))
        self.deterministic(sys.executable, "probe.py")
        recorded = (self.run_folder / "stdout").read_text()
        self.assertEqual(recorded.split()[:2], ["stranger-True", "datagram-True"])
        status, result = self.refused_or_replayed("--no-namespace")
        if result is None:
            return  # this kernel has neither, and it said so
        self.work.rename(self.top / "away")
        done = assay("replay", self.run_folder, "--search", "--no-namespace")
        self.assertEqual(done.returncode, 4, done.stderr)  # probe.txt says what was reached
        self.assertIn(b"Landlock and seccomp for one port", done.stdout + done.stderr)
        status, result = self.replay(self.run_folder, "--no-namespace")
        self.assertFalse(result["mounted"])
        self.assertIn("TMPDIR of its own", result["walls"])
        self.assertEqual((result["answered"], [d["path"] for d in result["tree_differences"]]), (1, ["probe.txt"]), result)

    def refused_or_replayed(self, *options):
        """A folder stands where the record's was: without a mount the rerun must not touch it."""
        before = (self.work / "probe.txt").read_bytes()
        done = assay("replay", self.run_folder, "--search", *options)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual((self.work / "probe.txt").read_bytes(), before)
        if b"no walls for the rerun" in done.stderr:
            return 1, None
        self.assertIn(b"move it away", done.stderr)
        return 1, done

    def test_a_pool_of_processes_and_threads_that_race(self):
        (self.work / "pool.py").write_text(POOL)
        self.deterministic(sys.executable, "pool.py")
        names = [word for line in (self.work / "log.txt").read_text().splitlines() for word in line.split() if len(word) == 32]
        self.assertEqual((len(names), len(set(names))), (22, 22), "two processes made the same unique name")
        self.assert_equal(self.run_folder, 13)

    def test_threads_begin_in_one_order_whoever_starts_sooner(self):
        logs = set()
        for number, delays in enumerate((("0", "400"), ("400", "0"), ("100", "100"))):
            work = self.make_work(f"starts{number}")
            (work / "starts.py").write_text(STARTS)
            self.deterministic(sys.executable, "starts.py", *delays, folder=self.top / f"run{number}", work=work)
            logs.add((work / "log.txt").read_text())
        self.assertEqual(len(logs), 1, logs)
        self.assertEqual(next(iter(logs)).count("begins"), 12)

    def test_until(self):
        self.deterministic(*SEARCH, "4")
        status, result = self.replay(self.run_folder, "--until", "3")
        self.assertEqual((status, result["answered"]), (0, 3))
        self.assertFalse(result["tree_compared"])

    def test_not_deterministic_differs_and_says_why(self):
        must(self.record(*SEARCH, "3"))
        status, result = self.replay(self.run_folder)
        self.assertEqual(status, 4)
        self.assertEqual(result["divergence"]["exchange"], 1)
        self.assertTrue(any("clock" in reason for reason in result["divergence"]["follows_from"]), result)
        self.assertTrue(any(line.startswith("-") and "Step 1" in line for line in result["divergence"]["diff"]), result)

    def altered(self, name):
        copy = self.top / name
        shutil.copytree(self.run_folder, copy)
        return copy

    def test_one_byte_changed_is_found_where_it_first_shows(self):
        self.deterministic(*SEARCH, "5")
        records, _ = journal(self.run_folder / "journal")

        # an answer: exchange 5 asks for step 3's code; 6 asks about what was made of it
        copy = self.altered("answer")
        changed = [(h, b) for h, b in records]
        header, body = changed[5]
        at = body.index(b'"content": "', header["parts"][0][1]) + 14
        changed[5] = (header, body[:at] + (b"0" if body[at:at + 1] != b"0" else b"1") + body[at + 1:])
        write_journal(copy / "journal", changed)
        self.differs(copy, 6, "answer")

        # the program, from step 4 on: its first exchange is number 7
        copy = self.altered("program")
        program = copy / "before/small_search.py"
        program.write_text(program.read_text().replace('f"Step {number},', 'f"{\'Step\' if number < 4 else \'Stop\'} {number},'))
        result = self.differs(copy, 7, "small_search.py")
        self.assertTrue(any("+" == line[0] and "Stop 4" in line for line in result["divergence"]["diff"]))

        # the evaluator: the first score is in exchange 2
        copy = self.altered("evaluator")
        program = copy / "before/evaluator.py"
        program.write_text(program.read_text().replace("% 7 + 1", "% 7 + 2"))
        self.differs(copy, 2, "evaluator.py")

        # an input
        copy = self.altered("input")
        (copy / "before/config.json").write_text(json.dumps({"initial": "Start", "population": 4}))
        self.differs(copy, 1, "config.json")

        # the seed
        copy = self.altered("seed")
        start = json.loads(json.dumps(records[0][0]))
        seed = start["deterministic"]["seed"]
        start["deterministic"]["seed"] = ("0" if seed[0] != "0" else "1") + seed[1:]
        write_journal(copy / "journal", [(start, records[0][1])] + records[1:])
        self.differs(copy, 1, "")

    def differs(self, folder, exchange, names):
        status, result = self.replay(folder)
        self.assertEqual((status, result["equal"]), (4, False), result)
        self.assertEqual(result["divergence"]["exchange"], exchange, result)
        self.assertEqual(result["answered"], exchange - 1)
        self.assertTrue(result["divergence"]["diff"])
        self.assertTrue(any(names in reason for reason in result["divergence"]["follows_from"]), result)
        return result

    def test_nearest_goes_on(self):
        self.deterministic(*SEARCH, "3")
        copy = self.altered("input")
        (copy / "before/config.json").write_text(json.dumps({"initial": "Start", "population": 4}))
        status, result = self.replay(copy, "--on-divergence", "nearest")
        self.assertEqual(status, 4)
        self.assertEqual(result["answered"], 6)
        self.assertGreater(result["substituted"], 0)
        self.assertEqual(result["equal_requests"], 6 - result["substituted"])
        said = assay("replay", copy, "--search", "--on-divergence", "nearest").stdout.decode()
        self.assertIn(f"differs: {6 - result['substituted']} request", said)
        self.assertIn("first difference at exchange 1, after 0 equal exchanges", said)

    def test_a_program_that_stops_early(self):
        self.deterministic(*SEARCH, "3")
        copy = self.altered("early")
        program = copy / "before/small_search.py"
        program.write_text(program.read_text().replace("    main(int", "    main(-3 + int"))
        status, result = self.replay(copy)
        self.assertEqual((status, result["answered"]), (4, 0))
        self.assertIn("never asked", result["divergence"]["what"])

    def test_the_rerun_reaches_nothing_else(self):
        """Recorded with the network there; in the rerun every other address is out of reach, and files elsewhere stay."""
        outside = self.top / "outside.txt"
        (self.work / "probe.py").write_text(f"""
import os, socket, urllib.request
urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/models").read()
host, port = {self.server.server_address!r}
found = []
try:
    socket.create_connection((host, port), timeout=3).close(); found.append("network")
except OSError: pass
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("192.0.2.1", 53)); found.append("datagram")
except OSError: pass
try:
    open({str(Path.home() / 'assay-probe-outside')!r}, "w").close(); found.append("file")
except OSError: pass
open("found.txt", "w").write(" ".join(found))
""")
        must(self.record(sys.executable, "probe.py", options=["--deterministic"]))
        (Path.home() / "assay-probe-outside").unlink(missing_ok=True)
        kept = self.top / "kept"
        done = assay("replay", self.run_folder, "--search", "--work", kept)
        self.assertEqual(done.returncode, 4, done.stdout.decode() + done.stderr.decode())
        self.assertEqual((kept / "rerun/tree/found.txt").read_text(), "")
        self.assertFalse((Path.home() / "assay-probe-outside").exists())
        self.assertIn(b"differs  found.txt", done.stdout)

    def test_temporary_folders_are_its_own(self):
        """What a rerun writes to /tmp and /dev/shm goes with it; what stands there is seen, and stays as it is."""
        places = [Path("/tmp") / self.top.name.replace("search", "own"), Path("/dev/shm") / self.top.name]
        beside = self.top / "beside.txt"
        (self.work / "probe.py").write_text(f"""
import os, tempfile, urllib.request
urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/models").read()
for place in {[str(p) for p in places]!r}:
    open(place, "x").write("mine")
    assert open(place).read() == "mine"
tempfile.TemporaryFile().close()
try: open({str(beside)!r}, "a").write("more")
except OSError: pass
assert open({str(beside)!r}).read().startswith("here")
print("done", flush=True)
""")
        beside.write_text("here")
        must(self.record(sys.executable, "probe.py", options=["--deterministic"]))
        for place in places:
            place.unlink()
        beside.write_text("here")
        done = assay("replay", self.run_folder, "--search", "--json")
        result = self.result(done)
        if "own /tmp" not in result["walls"]:
            self.skipTest("no namespaces here: " + result["walls"])
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
        self.assertEqual([p for p in places if p.exists()], [])
        self.assertEqual(beside.read_text(), "here")

    def test_a_record_that_was_cut_ended_early(self):
        self.deterministic(*SEARCH, "4")
        records, _ = journal(self.run_folder / "journal")
        write_journal(self.run_folder / "journal", records[:5])  # as a killed recorder leaves it
        done = assay("replay", self.run_folder, "--search")
        self.assertIn("equal as far as the record goes, which ended early: 4 requests of 4 equal", done.stdout.decode())
        self.assertNotIn(b"differs", done.stdout)
        self.assertEqual(done.returncode, 4, done.stdout)  # the rerun did not come to the search's end

    def test_options_that_say_nothing_of_a_recorded_search(self):
        self.deterministic(*SEARCH, "2")
        for options in (["--from", "1"], ["--sample", "1", "--seed", "1"], ["-o", str(self.top / "x")]):
            done = assay("replay", self.run_folder, "--search", *options)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stderr.decode(), options[0] + r"[\s\S]*recorded")

    def test_what_to_do_next_is_said(self):
        self.deterministic(*SEARCH, "2")
        self.assertIn("--from record fits", assay("seal", self.run_folder, "-o", self.top / "x.h5").stderr.decode())
        key, bundle = self.top / "key", self.top / "o.h5"
        must(assay("key", "new", key))
        must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        self.assertIn("replay FILE --search", assay("verify", bundle, "--trust", f"{key}.pub").stdout.decode())
        self.assertIn("steps/exchange-000001.json", assay("show", bundle, "exchange/1").stderr.decode())
        must(assay("show", bundle, "steps/exchange-000001.json"))
        damaged = bytearray((self.run_folder / "journal").read_bytes())
        damaged[-40] ^= 1
        (self.run_folder / "journal").write_bytes(damaged)
        done = assay("seal", self.run_folder, "--from", "record", "-o", self.top / "y.h5", "--key", key)
        self.assertNotIn("journal, journal", done.stderr.decode())
        self.assertIn("libfaketime", assay("doctor").stdout.decode())

    def test_a_slow_model_costs_a_rerun_nothing(self):
        """Four answers of 1.5 s each: what recording waited, a rerun does not. Both run under the same load."""
        self.server.RequestHandlerClass.delay = 1.5
        start = time.monotonic()
        self.deterministic(*SEARCH, "2")
        recorded = time.monotonic()
        self.assert_equal(self.run_folder, 4)
        self.assertLess(time.monotonic() - recorded, recorded - start - 3)

    def test_other_versions_stop_it(self):
        self.deterministic(*SEARCH, "1")
        copy = self.altered("versions")
        records, _ = journal(copy / "journal")
        records[0][0]["versions"]["packages"]["no-such-package"] = "1.0"
        write_journal(copy / "journal", records)
        done = assay("replay", copy, "--search")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no-such-package: recorded 1.0, here none", done.stderr)
        self.assertEqual(assay("replay", copy, "--search", "--any-versions").returncode, 0)

    def test_a_broken_chain_is_refused(self):
        self.deterministic(*SEARCH, "1")
        copy = self.altered("broken")
        data = bytearray((copy / "journal").read_bytes())
        data[len(data) // 2] ^= 1
        (copy / "journal").write_bytes(data)
        self.assertEqual(assay("replay", copy, "--search").returncode, 2)


if __name__ == "__main__":
    main()
