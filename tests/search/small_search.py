"""A small evolutionary search with the habits of real ones: it reads a configuration, asks a model for variants in several threads,
scores them with an evaluator in a process of its own, keeps a population in files, and puts times and random numbers into its prompts.

    small_search.py STEPS [WORKERS]
"""

import concurrent.futures
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

OUT = Path("out")
KEY = os.environ.get("OPENAI_API_KEY", "none")
BASE = os.environ["OPENAI_BASE_URL"]


def ask(prompt, stream=False):
    body = json.dumps({"model": "stand-in", "temperature": 0.7, "stream": stream, "messages": [{"role": "user", "content": prompt}]}).encode()
    request = urllib.request.Request(BASE + "/chat/completions", body,
                                     {"Content-Type": "application/json", "Authorization": "Bearer " + KEY})
    with urllib.request.urlopen(request, timeout=120) as answer:
        text = answer.read().decode()
    if not stream:
        return json.loads(text)["choices"][0]["message"]["content"]
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(event["choices"][0]["delta"]["content"] for event in events)


def evaluate(path):
    done = subprocess.run([sys.executable, "evaluator.py", str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def step(number, parent, identity):
    prompt = f"Step {number}, {identity}, at {time.time():.0f}: improve on {parent['score']}:\n{parent['code']}"
    code = ask(prompt, stream=number % 2 == 0)
    path = OUT / f"{identity}.txt"
    path.write_text(code)
    score = evaluate(path)
    # Workers race for this stream: which of them draws first follows from the order of the answers alone.
    note = ask(f"What does {identity} with {score} teach? Noise {random.random()}")
    return {"id": identity, "step": number, "code": code, "score": score, "note": note, "time": time.strftime("%H:%M:%S")}


def main(steps, workers):
    OUT.mkdir(exist_ok=True)
    settings = json.loads(Path("config.json").read_text())
    population = [{"id": "0", "step": 0, "code": settings["initial"], "score": 0.0}]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for first in range(1, steps + 1, workers):
            numbers = range(first, min(first + workers, steps + 1))
            jobs = [pool.submit(step, n, random.choice(population), str(uuid.uuid4())) for n in numbers]
            population += [job.result() for job in concurrent.futures.as_completed(jobs)]
            population = sorted(population, key=lambda p: -p["score"])[:settings["population"]]
            (OUT / "population.json").write_text(json.dumps(population, indent=1))
            print(f"step {numbers[-1]}: best {population[0]['score']:.4f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
