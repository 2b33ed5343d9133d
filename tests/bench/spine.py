#!/usr/bin/env python3
"""Measures seal, verify and show beside their peers, in one run, and writes the tables of docs/benchmarks.md.

    cmake --preset release -DASSAY_BENCH=ON && cmake --build --preset release
    tests/bench/spine.py --work DIR [--parts campaign,tensors,scale,large] [--lock FILE] [-o results.md]

DIR keeps the generated campaigns between runs (36 GB at most). Caches are warm, each figure is the median of 9
runs (scale: of 3), and a peer that is not installed leaves its row out and says so. --lock takes flock(1)'s lock while
timing, so that builds can keep away."""

import argparse
import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = "experiments/1735/program.py"
# SHA-256 of `sha256sum` over all files of the campaign, sorted by name: the generator is fixed, and this holds it.
CAMPAIGN = "0e6dd08bce666fac704536bddbbacc64adb7c7205742ef7e93a3a6e63a0ee518"
NO_SHA = {"OPENSSL_ia32cap": ":~0x20000000"}


def run(command, **options):
    done = subprocess.run(command, shell=isinstance(command, str), capture_output=True, **options)
    return done


def must(command, good=(0,), **options):
    done = run(command, **options)
    if done.returncode not in good:
        sys.exit(f"spine: exit {done.returncode} from: {command}\n{done.stderr.decode()}{done.stdout.decode()[-2000:]}")
    return done


def size_of(path):
    path = Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


class Bench:
    def __init__(self, options):
        self.work = Path(options.work).resolve()
        self.assay = Path(options.build) / "assay"
        self.make = Path(options.build) / "tests/bench/bench_make_campaign"
        self.hash = Path(options.build) / "tests/bench/bench_openssl_hash"
        self.runs = options.runs
        self.scale_runs = options.scale_runs
        self.lock = options.lock
        self.lines = []
        self.work.mkdir(parents=True, exist_ok=True)

    def say(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    @contextlib.contextmanager
    def quiet(self):
        if not self.lock:
            yield
            return
        with open(self.lock, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def campaign(self, name, *arguments):
        folder = self.work / name
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            print(f"generating {folder}", flush=True)
            must([self.make, *arguments, "-o", folder / "campaign"] if folder.mkdir() is None else [])
            (folder / ".complete").touch()
        return folder / "campaign"

    def key(self):
        key = self.work / "key"
        if not key.exists():
            must([self.assay, "key", "new", key])
            public = Path(f"{key}.pub").read_text()
            (self.work / "allowed").write_text("bench@example " + public)
        return key

    def seal(self, source, bundle):
        return f"{self.assay} seal {source} --from assay -o {bundle} --key {self.key()} --force --quiet"

    def verify(self, bundle):
        return f"{self.assay} verify {bundle} --trust {self.work / 'allowed'} --quiet"

    def time(self, rows):
        """rows: [(label, command, prepare, environment)] -> {label: (median, low, high)}, in seconds; one hyperfine run."""
        report = self.work / "hyperfine.json"
        command = ["hyperfine", "--ignore-failure", "--warmup", "1", "--runs", str(self.runs), "--export-json", report]
        for label, text, prepare, environment in rows:
            command += ["--prepare", prepare or "true", "-n", label]
            command.append(" ".join(f"{k}={shlex.quote(v)}" for k, v in environment.items()) + " " + text)
        with self.quiet():
            must(command)
        results = {}
        for result in json.loads(report.read_text())["results"]:
            results[result["command"]] = (result["median"], result["min"], result["max"])
            bad = sorted(set(result["exit_codes"]) - {0, 3})
            if bad:
                sys.exit(f"spine: {result['command']} ended with {bad}")
        return results


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def table(bench, head, rows):
    bench.say("| " + " | ".join(head) + " |")
    bench.say("|" + "---|" * len(head))
    for row in rows:
        bench.say("| " + " | ".join(row) + " |")
    bench.say()


def ratio_row(what, ours, peer, bar, at_most=True):
    ratio = ours / peer
    good = ratio <= bar if at_most else ratio >= bar
    return (what, f"{ratio:.2f}", f"{'<=' if at_most else '>='} {bar:g}", "yes" if good else "**no**")


def time_row(results, label, more=""):
    median, low, high = results[label]
    return (label, seconds(median), f"{seconds(low)} to {seconds(high)}", more)


def check_campaign(folder):
    """The generator is fixed: figures of different inputs must never stand side by side."""
    text = must("find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum", cwd=folder).stdout.decode()
    if text.split()[0] != CAMPAIGN:
        sys.exit(f"spine: {folder} is not the campaign of --seed 1: digest {text.split()[0]}, expected {CAMPAIGN}")


def add_borg(bench, source, rows, sizes):
    repository = bench.work / "borg"
    os.environ.update(BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes", BORG_RELOCATED_REPO_ACCESS_IS_OK="yes",
                      BORG_BASE_DIR=str(bench.work / "borg-home"))
    fresh = f"rm -rf {repository}; borg init -e none {repository}"
    create = f"cd {source} && borg create --compression zstd,3 {repository}::a ."
    must(f"{fresh}; {create}")
    sizes["borg create"] = size_of(repository)
    rows.append(("borg create", create, fresh, {}))
    rows.append(("borg check --verify-data", f"borg check --verify-data {repository}", None, {}))
    rows.append(("borg extract, one file", f"borg extract --stdout {repository}::a {SHOWN}", None, {}))


def add_restic(bench, source, rows, sizes):
    repository = bench.work / "restic"
    os.environ.update(RESTIC_PASSWORD="bench", RESTIC_CACHE_DIR=str(bench.work / "restic-cache"))
    fresh = f"rm -rf {repository}; restic -q init -r {repository}"
    backup = f"cd {source} && restic -q -r {repository} backup ."
    must(f"{fresh}; {backup}")
    sizes["restic backup"] = size_of(repository)
    rows.append(("restic backup", backup, fresh, {}))
    rows.append(("restic check --read-data", f"restic -q -r {repository} check --read-data", None, {}))
    rows.append(("restic dump, one file", f"restic -q -r {repository} dump latest /{SHOWN}", None, {}))


def ours_is_right(bench, source, bundle):
    """What is timed must be what it says: intact, and the program equal to the campaign's."""
    must(bench.seal(source, bundle))
    report = json.loads(must(bench.verify(bundle) + " --json", good=(0, 3)).stdout)
    levels = {f["level"] for f in report.get("findings", []) if f["severity"] == "error"}
    if "intact" in levels:
        sys.exit(f"spine: {bundle} does not verify")
    shown = must(f"{bench.assay} show {bundle} 1735 program", good=(0, 5)).stdout
    if shown != (source / SHOWN).read_bytes():
        sys.exit("spine: show gave other bytes than the campaign holds")


def part_campaign(bench):
    source = bench.campaign("campaign-1772", "--seed", "1", "--experiments", "1772")
    check_campaign(source)
    sums, tar, bundle = bench.work / "SHA256SUMS", bench.work / "campaign.tar.zst", bench.work / "campaign.h5"
    must(f"find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum > {sums}", cwd=source)
    tar_command = f"tar -c -C {source} . | zstd -3 -q -f -o {tar}"
    must(tar_command)
    sizes = {"tar, zstd -3": size_of(tar)}
    rows = [("tar, zstd -3", tar_command, f"rm -f {tar}", {}),
            ("sha256sum -c", f"cd {source} && sha256sum -c --quiet {sums}", None, {})]
    if bench.assay.exists():
        ours_is_right(bench, source, bundle)
        sizes["assay seal"] = size_of(bundle)
        rows = [("assay seal", bench.seal(source, bundle), f"rm -f {bundle}", {}), rows[0],
                ("assay verify", bench.verify(bundle), None, {}), rows[1],
                ("assay show, one program", f"{bench.assay} show {bundle} 1735 program", None, {})]
    for tool, add in (("borg", add_borg), ("restic", add_restic)):
        if shutil.which(tool):
            add(bench, source, rows, sizes)
        else:
            bench.say(f"{tool} is not installed: its rows are left out.")
    results = bench.time(rows)
    bench.say("### 1,772 experiments, 10,632 files, 75 MB\n")
    table(bench, ("command", "median", "range", "size"),
          [time_row(results, label, f"{sizes[label] / 1e6:.1f} MB" if label in sizes else "") for label in results])
    if not bench.assay.exists():
        return
    median = {label: result[0] for label, result in results.items()}
    bars = [ratio_row("seal, time of tar and zstd", median["assay seal"], median["tar, zstd -3"], 1.0),
            ratio_row("seal, size of tar and zstd", sizes["assay seal"], sizes["tar, zstd -3"], 0.7),
            ratio_row("verify, time of sha256sum -c", median["assay verify"], median["sha256sum -c"], 0.6)]
    if "borg extract, one file" in median:
        bars.append(ratio_row("show, time of borg extract", median["assay show, one program"], median["borg extract, one file"], 0.1))
    table(bench, ("ratio", "value", "bar", "holds"), bars)


def part_tensors(bench):
    source = bench.campaign("tensors", "--tensors", "2GB")
    checkpoint, bundle, copy = source / "experiments/1/checkpoint.safetensors", bench.work / "tensors.h5", bench.work / "copy"
    rows = [("OpenSSL, all cores", f"{bench.hash} {checkpoint}", None, {}),
            ("OpenSSL without SHA instructions", f"{bench.hash} {checkpoint}", None, NO_SHA),
            ("write and sync", f"dd if={checkpoint} of={copy} bs=4M conv=fsync status=none", f"rm -f {copy}", {})]
    if bench.assay.exists():
        must(bench.seal(source, bundle))
        must(bench.verify(bundle), good=(0, 3))
        lanes = "lanes16" if "avx512f" in Path("/proc/cpuinfo").read_text() else "lanes8"
        rows += [("assay verify", bench.verify(bundle), None, {}),
                 ("assay verify without SHA instructions", bench.verify(bundle), None, {**NO_SHA, "ASSAY_SHA256": lanes}),
                 ("assay seal", bench.seal(source, bundle), f"rm -f {bundle}", {})]
    results = bench.time(rows)
    copy.unlink(missing_ok=True)
    bench.say("### 2 GB of random fp32 tensors\n")
    table(bench, ("command", "median", "range", "rate"),
          [time_row(results, label, f"{size_of(checkpoint) / results[label][0] / 1e9:.2f} GB/s") for label in results])
    if not bench.assay.exists():
        return
    median = {label: result[0] for label, result in results.items()}
    table(bench, ("ratio of rates", "value", "bar", "holds"),
          [ratio_row("verify, rate of OpenSSL (SHA instructions)", median["OpenSSL, all cores"], median["assay verify"], 0.85, False),
           ratio_row("verify, rate of OpenSSL (vector lanes, no SHA instructions)", median["OpenSSL without SHA instructions"],
                     median["assay verify without SHA instructions"], 3, False),
           ratio_row("seal, rate of writing and syncing", median["write and sync"], median["assay seal"], 0.6, False)])


def measured(bench, command, runs):
    """Median wall time in seconds and the largest peak in MB (children included: GNU time reports the largest)."""
    times, peaks = [], []
    for _ in range(runs):
        with bench.quiet():
            done = must(f"/usr/bin/time -v {command}", good=(0, 3))
        text = done.stderr.decode()
        clock = re.search(r"Elapsed .*: (?:(\d+):)?(\d+):([\d.]+)", text)
        times.append(int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3]))
        peaks.append(int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", text)[1]) * 1024 / 1e6)
    return statistics.median(times), max(peaks)


def part_scale(bench):
    if not bench.assay.exists() or not shutil.which("/usr/bin/time"):
        bench.say("scale: needs assay and GNU time; left out.")
        return
    counts, bars = (17720, 177200), []
    sources = {count: bench.campaign(f"campaign-{count}", "--experiments", str(count)) for count in counts}
    samples = {(name, count): [] for name in ("seal", "verify") for count in counts}
    # Turn by turn: a machine that is slower for a minute must not be slower for one of the two alone.
    for _ in range(bench.scale_runs):
        for count in counts:
            bundle = bench.work / f"campaign-{count}.h5"
            for name, command in (("seal", bench.seal(sources[count], bundle)), ("verify", bench.verify(bundle))):
                for _ in range(177200 // count // 3 or 1):
                    samples[name, count].append(measured(bench, command, 1))
    figures = [(name, count, statistics.median(t for t, _ in all_runs), max(p for _, p in all_runs))
               for (name, count), all_runs in samples.items()]
    for count in counts:
        bench.say(f"{count} experiments: bundle {size_of(bench.work / f'campaign-{count}.h5') / 1e6:.1f} MB")
    bench.say("\n### Ten times the experiments\n")
    table(bench, ("command", "experiments", f"median of {bench.scale_runs}", "peak"),
          [(name, f"{count:,}", seconds(time), f"{peak:.0f} MB") for name, count, time, peak in figures])
    for name in ("seal", "verify"):
        small, large = sorted((f for f in figures if f[0] == name), key=lambda figure: figure[1])
        bars.append(ratio_row(f"{name}, time of 177,200 over 17,720", large[2], small[2], 11))
        bars.append((f"{name}, peak", f"{large[3]:.0f} MB", "<= 400 MB", "yes" if large[3] <= 400 else "**no**"))
    table(bench, ("what", "value", "bar", "holds"), bars)


def part_large(bench):
    if not bench.assay.exists() or not shutil.which("/usr/bin/time"):
        bench.say("large: needs assay and GNU time; left out.")
        return
    source, bundle = bench.campaign("large", "--tensors", "10GB"), bench.work / "large.h5"
    figures = [(name, *measured(bench, command, 1))
               for name, command in (("seal", bench.seal(source, bundle)), ("verify", bench.verify(bundle)))]
    bench.say("### 10 GB of random fp32 tensors\n")
    table(bench, ("command", "once", "peak", "bar", "holds"),
          [(name, seconds(time), f"{peak:.0f} MB", "<= 400 MB", "yes" if peak <= 400 else "**no**") for name, time, peak in figures])
    bundle.unlink()
    shutil.rmtree(source.parent)


PARTS = {"campaign": part_campaign, "tensors": part_tensors, "scale": part_scale, "large": part_large}


def machine(bench):
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)[1]
    flags = [name for flag, name in (("sha_ni", "SHA instructions"), ("avx512f", "AVX-512"), ("avx2", "AVX2")) if f" {flag}" in info]
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]
    bench.say(f"{model}, {os.cpu_count()} cores ({', '.join(flags)}), {int(memory) / 1e6:.0f} GB of memory, "
              f"Linux {os.uname().release.split('-')[0]}. Medians of {bench.runs}, caches warm.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--build", default=ROOT / "build/release")
    parser.add_argument("--parts", default="campaign,tensors,scale,large")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--scale-runs", type=int, default=3)
    parser.add_argument("--lock")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    if not shutil.which("hyperfine"):
        sys.exit("spine: hyperfine is not installed")
    bench = Bench(options)
    machine(bench)
    for part in options.parts.split(","):
        PARTS[part](bench)
    if options.output:
        Path(options.output).write_text("\n".join(bench.lines))


if __name__ == "__main__":
    main()
