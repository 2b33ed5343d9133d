"""A search that writes what ASI-Evolve writes: steps with their calls, a database of nodes. Among its calls are what real ones
have: an embedding, a failed attempt that is made again, an answer that is asked for twice in the same words."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

OUT = Path("runs/one")
BASE = os.environ["OPENAI_BASE_URL"]


def post(path, body):
    request = urllib.request.Request(BASE + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def call(folder, number, name, messages, **more):
    content = post("/chat/completions", {"model": "stand-in", "messages": messages, **more})["choices"][0]["message"]["content"]
    logs = OUT / "steps" / folder / "llm_logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"llm_call_{number:03d}_{name}.json").write_text(json.dumps(
        {"call_number": number, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S"), "call_name": name, "attempt": 1, "model": "stand-in", "usage": {},
         "call_time": 0.1, "messages": messages, "response": {"content": content, "finish_reason": "stop"}}))
    return content


nodes = {}
for step in range(1, int(sys.argv[1]) + 1):
    folder = f"step_{step}"
    question = [{"role": "system", "content": "You improve programs.\n"}, {"role": "user", "content": f"Step {step}"}]
    try:
        post("/chat/completions", {"messages": question, "assay_test": {"status": 429}})
    except urllib.error.HTTPError:
        pass
    code = call(folder, 1, "researcher_full", question)
    (OUT / "steps" / folder / "code").write_text(code)
    score = sum(map(ord, code)) % 97 / 97
    (OUT / "steps" / folder / "results.json").write_text(json.dumps({"success": True, "eval_score": score, "score": score}))
    call(folder, 2, "analyzer", [{"role": "user", "content": "What does it teach?"}])  # the same words at each step
    post("/embeddings", {"model": "e", "input": code})
    nodes[str(step)] = {"id": step, "name": folder, "created_at": "2026-01-01", "parent": [], "motivation": "", "code": code, "results": {},
                        "analysis": "", "meta_info": {"eval_score": score}, "visit_count": 0, "score": score}
(OUT / "database_data").mkdir()
(OUT / "database_data/nodes.json").write_text(json.dumps({"next_id": len(nodes) + 1, "nodes": nodes}))
call("step_1", 3, "manager", [{"role": "user", "content": "Sum up."}])
