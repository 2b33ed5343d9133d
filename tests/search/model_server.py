"""A stand-in for a model server: OpenAI's and Anthropic's paths, whose answers are a function of the request. Options in the
request's own "assay_test" object ask for trouble: {"status": 429}, {"cut": true}, {"delay": seconds}, {"echo": true}."""

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def words(body):
    """Some words that depend on every byte of the request."""
    digest = hashlib.sha256(body).hexdigest()
    return " ".join(digest[i:i + 5] for i in range(0, 40, 5))


def program_for(body):
    number = int(hashlib.sha256(body).hexdigest()[:6], 16) / 1000
    if b"<analysis>detailed" in body:  # ASI-Evolve's analyzer
        return f"<analysis>The number {number} was not tried.</analysis>"
    if b"<name>" in body:  # its researcher; which has diffs for programs that it knows, else wants them whole
        tags = f"<name>try {number}</name>\n<motivation>Because of {words(body)}.</motivation>\n"
        return tags + (diff_to(number) if b"SEARCH" in body else f"<code>\ndef value():\n    return {number}\n</code>")
    if b"<<<<<<< SEARCH" in body:
        return "Another number.\n" + diff_to(number)
    return f"```python\n# EVOLVE-BLOCK-START\ndef value():\n    return {number}\n# EVOLVE-BLOCK-END\n```\n"


def diff_to(number):
    return f"<<<<<<< SEARCH\ndef value():\n=======\n# {number}\ndef value():\n>>>>>>> REPLACE\n"


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen = []       # (path, headers, body) of every request
    delay = 0.0
    program = False  # answers are programs, as OpenEvolve's prompts want them: whole, or as a diff
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def stream(self, events):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            self.chunk(event)
        self.chunk(b"")

    def do_GET(self):
        with self.lock:
            self.seen.append((self.path, dict(self.headers), b""))
        self.answer(200, json.dumps({"object": "list", "data": [{"id": "stand-in"}]}).encode())

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.lock:
            self.seen.append((self.path, dict(self.headers), body))
        try:
            asked = json.loads(body)
        except ValueError:
            return self.answer(400, b'{"error": {"message": "not JSON"}}')
        trouble = asked.get("assay_test", {})
        time.sleep(trouble.get("delay", self.delay))
        if "status" in trouble:
            return self.answer(trouble["status"], b'{"error": {"message": "as asked"}}')
        if trouble.get("silent"):
            self.close_connection = True
            return None
        if trouble.get("cut"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"half')
            self.wfile.flush()
            self.close_connection = True
            return None
        if trouble.get("pieces"):  # a body in chunks of the client's choosing, so that a key can lie across their borders
            return self.stream([p.encode() for p in trouble["pieces"]])
        if trouble.get("cut_at"):  # the same of one text, which stands whole in the request
            text, at = trouble["text"], trouble["cut_at"]
            return self.stream([text[:at].encode(), text[at:].encode()])
        text = body.decode() if trouble.get("echo") else program_for(body) if self.program else words(body)
        usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 8, "total_tokens": len(body) // 4 + 8}
        if self.path.endswith("/embeddings"):
            return self.answer(200, json.dumps({"model": asked.get("model"), "usage": usage, "data": [
                {"embedding": [b / 255 for b in hashlib.sha256(body).digest()[:8]]}]}).encode())
        if self.path.endswith("/messages"):
            return self.answer(200, json.dumps({"model": asked.get("model"), "content": [{"type": "text", "text": text}],
                                                "usage": {"input_tokens": 3, "output_tokens": 8}}).encode())
        if asked.get("stream"):
            events = [b"data: " + json.dumps({"model": "stand-in-1", "choices": [{"delta": {"content": w + " "}}]}).encode() + b"\n\n"
                      for w in text.split()]
            return self.stream(events + [b"data: [DONE]\n\n"])
        return self.answer(200, json.dumps({"model": "stand-in-1", "system_fingerprint": "fp_1", "usage": usage, "choices": [
            {"message": {"role": "assistant", "content": text}}]}).encode())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # a client that went away


def start(delay=0.0):
    """(server, base address, list of what it saw)"""
    handler = type("Handler", (Model,), {"seen": [], "delay": delay})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/v1", handler.seen


if __name__ == "__main__":
    running, address, _ = start()
    print(address, flush=True)
    sys.stdin.read()
