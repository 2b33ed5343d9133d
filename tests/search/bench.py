"""What recording costs, beside the same client without it, and what a rerun takes beside the recorded run. Prints a table; not run by
ctest. Directly and recorded alternate, so that a slow machine slows both, and the ratio is of medians."""

import concurrent.futures
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, HERE, SEARCH, assay, journal, model_server, must, run  # noqa: E402

os.environ["OPENAI_API_KEY"] = "sk-bench-Qx7fT2mLw9ZrPk4v"  # a key is known, so every byte is searched for it


def exchange(url, body, keep=None):
    """(seconds to the first byte of the body, seconds to its end)"""
    c = keep or http.client.HTTPConnection(url.hostname, url.port, timeout=120)
    start = time.perf_counter()
    c.request("POST", url.path + "/chat/completions", body, {"Content-Type": "application/json"})
    answer = c.getresponse()
    first = answer.read(1)
    at = time.perf_counter() - start
    rest = answer.read()
    if answer.status != 200 or not first or not rest:
        raise RuntimeError(f"status {answer.status}")
    if not keep:
        c.close()
    return at, time.perf_counter() - start


def medians(rounds, direct, recorded, body, which):
    keep = [http.client.HTTPConnection(u.hostname, u.port, timeout=120) for u in (direct, recorded)]
    times = [[], []]
    for _ in range(rounds):
        for i, url in enumerate((direct, recorded)):
            times[i].append(exchange(url, body, keep[i])[which])
    return [statistics.median(t) for t in times]


def at_once(url, body, count):
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: exchange(url, body), range(count)))
    return time.perf_counter() - start


def memory(pid):
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def row(what, first, second, ratio, bar):
    print(f"| {what} | {first} | {second} | {ratio} | {bar} |", flush=True)


def recording():
    server, base, _ = model_server.start()
    with tempfile.TemporaryDirectory() as top:
        folder, work = Path(top) / "run", Path(top) / "work"
        work.mkdir()
        planned = must(assay("record", "-o", folder, "--upstream", f"openai={base}")).stdout.decode()
        direct = urllib.parse.urlsplit(base)
        recorded = urllib.parse.urlsplit(next(w for w in planned.split() if w.startswith("http://127")))
        recorder = subprocess.Popen([ASSAY, "record", "-o", folder, "--", "sleep", "600"], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    exchange(recorded, b'{"model": "m"}')
                    break
                except OSError:
                    time.sleep(0.05)
            small = json.dumps({"model": "m", "x": "y" * 8000, "assay_test": {"echo": True}}).encode()
            large = json.dumps({"model": "m", "x": "y" * 10_000_000, "assay_test": {"echo": True}}).encode()
            stream = json.dumps({"model": "m", "stream": True}).encode()
            slow = json.dumps({"model": "m", "assay_test": {"delay": 0.5}}).encode()
            a, b = medians(300, direct, recorded, small, 1)
            row("exchange of 16 kB", f"{a * 1e3:.2f} ms", f"{b * 1e3:.2f} ms", f"+{(b - a) * 1e3:.2f} ms", "<= 2 ms more")
            a, b = medians(300, direct, recorded, stream, 0)
            row("first streamed byte", f"{a * 1e3:.2f} ms", f"{b * 1e3:.2f} ms", f"+{(b - a) * 1e3:.2f} ms", "<= 2 ms later")
            both = [(at_once(direct, slow, 64), at_once(recorded, slow, 64)) for _ in range(7)]
            a, b = (statistics.median(t) for t in zip(*both))
            row("64 exchanges at once, each 0.5 s", f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.2f}x", "<= 1.3x")
            a, b = medians(41, direct, recorded, large, 1)
            before = memory(recorder.pid)
            medians(20, direct, recorded, large, 1)
            row("10 MB both ways", f"{a * 1e3:.0f} ms", f"{b * 1e3:.0f} ms", f"{b / a:.2f}x", "<= 1.3x")
            row("most memory after 41 of these, after 61", f"{before:.0f} MB", f"{memory(recorder.pid):.0f} MB", f"{memory(recorder.pid) / before:.2f}x", "flat")
        finally:
            recorder.kill()
            recorder.wait()
            server.shutdown()


def recorded_search(top, name, delay, steps):
    """Its folder, and the seconds from its first to its last exchange's request."""
    server, base, _ = model_server.start(delay)
    work, folder = Path(top) / name, Path(top) / f"{name}-run"
    work.mkdir()
    for file in ("small_search.py", "evaluator.py"):
        (work / file).write_text((HERE / file).read_text())
    (work / "config.json").write_text(json.dumps({"initial": "start", "population": 4}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "ANTHROPIC_"))}
    must(run(ASSAY, "record", "-o", folder, "--upstream", f"openai={base}", "--deterministic", "--", *SEARCH, steps, cwd=work, env=environment))
    server.shutdown()
    return folder, journal(folder / "journal")[0][-1][0]["seconds"]


def rerun_seconds(folder):
    result = json.loads(must(assay("replay", folder, "--search", "--json")).stdout)["result"]
    if not result["equal"]:
        raise RuntimeError(json.dumps(result))
    return result["seconds"]


def rerunning(rounds=15, steps=12):
    with tempfile.TemporaryDirectory() as top:
        slow, slow_took = recorded_search(top, "slow", 2.0, steps)
        first, second, third = [], [], []
        for i in range(rounds):
            fast, took = recorded_search(top, f"fast{i}", 0.0, steps)
            first.append(took)
            second.append(rerun_seconds(fast))
            third.append(rerun_seconds(slow))
        a, b, c = (statistics.median(t) for t in (first, second, third))
        row(f"rerun of a search of {2 * steps} exchanges, beside its recording, answers at once", f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.2f}x", "<= 1.05x")
        row(f"the same where an answer took 2 s (recorded in {slow_took:.0f} s), beside that rerun", f"{b:.2f} s", f"{c:.2f} s", f"{c / b:.2f}x", "<= 1.05x")


if __name__ == "__main__":
    print(f"load when it began: {os.getloadavg()[0]:.1f}\n\n| what | without, or first | with, or second | | bar |\n|---|---|---|---|---|")
    recording()
    rerunning()
    print(f"\nload when it ended: {os.getloadavg()[0]:.1f}")
