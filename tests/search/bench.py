"""What recording costs, beside the same client without it: median of 16 kB exchanges, first streamed byte, 64 at once, 10 MB bodies,
memory. Prints a table; not run by ctest. Directly and recorded alternate, so that a slow machine slows both."""

import concurrent.futures
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, assay, model_server, must  # noqa: E402


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


def median_of(rounds, direct, recorded, body, which):
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


def main():
    server, base, _ = model_server.start()
    with tempfile.TemporaryDirectory() as top:
        run, work = Path(top) / "run", Path(top) / "work"
        work.mkdir()
        planned = must(assay("record", "-o", run, "--upstream", f"openai={base}")).stdout.decode()
        direct = urllib.parse.urlsplit(base)
        recorded = urllib.parse.urlsplit(next(w for w in planned.split() if w.startswith("http://127")))
        recorder = subprocess.Popen([ASSAY, "record", "-o", run, "--", "sleep", "600"], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    exchange(recorded, b'{"model": "m"}')
                    break
                except OSError:
                    time.sleep(0.05)
            small = json.dumps({"model": "m", "x": "y" * 8000, "assay_test": {"echo": True}}).encode()
            large = json.dumps({"model": "m", "x": "y" * 10_000_000, "assay_test": {"echo": True}}).encode()
            stream = json.dumps({"model": "m", "stream": True}).encode()
            a, b = median_of(300, direct, recorded, small, 1)
            print(f"16 kB, median                {a * 1e3:8.2f} ms direct  {b * 1e3:8.2f} ms recorded  +{(b - a) * 1e3:.2f} ms")
            a, b = median_of(200, direct, recorded, stream, 0)
            print(f"first streamed byte, median  {a * 1e3:8.2f} ms direct  {b * 1e3:8.2f} ms recorded  +{(b - a) * 1e3:.2f} ms")
            slow = json.dumps({"model": "m", "assay_test": {"delay": 0.5}}).encode()
            a, b = min(at_once(direct, slow, 64) for _ in range(3)), min(at_once(recorded, slow, 64) for _ in range(3))
            print(f"64 at once, 0.5 s each       {a:8.2f} s  direct  {b:8.2f} s  recorded  {b / a:.2f}x")
            a, b = median_of(7, direct, recorded, large, 1)
            before = memory(recorder.pid)
            median_of(7, direct, recorded, large, 1)
            print(f"10 MB both ways, median      {a * 1e3:8.1f} ms direct  {b * 1e3:8.1f} ms recorded  {b / a:.2f}x")
            print(f"most memory                  {before:8.0f} MB after 7 of them, {memory(recorder.pid):.0f} MB after 14")
        finally:
            recorder.kill()
            recorder.wait()
            server.shutdown()


if __name__ == "__main__":
    main()
