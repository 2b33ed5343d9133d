"""Stands in for a search's evaluator: keeps what an evaluation gave, holds it against what it gave when it was recorded, or gives that back
(docs/formats/journal.md, Evaluations). A module's functions are wrapped by `module`, a script is run by `script`."""

import contextvars
import functools
import inspect
import linecache

INSIDE = contextvars.ContextVar("assay_inside", default=False)  # an evaluator's own calls of its functions are no evaluations
LARGEST = 64 << 20
MARK = "ASSAY_EVALUATION"


# ---- an evaluator that is imported

def module(namespace, place, name):
    record = Record(place, name)
    path = f"{place}/original/{name}"
    source = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    lines = source.splitlines(keepends=True)
    own = namespace.get("__file__") or name
    linecache.cache[own] = (len(source), None, lines, own)  # for tracebacks: this file stands in its place
    EVALUATOR["module"] = namespace["__name__"]
    if record.mode == "give":
        give_module(namespace, record)
        return
    exec(compile(source, own, "exec", dont_inherit=True), namespace)
    known = contents(record, namespace)
    if record.mode == "keep":
        record.write("done/" + module_file(name), known)
    for key, waits in known["functions"].items():
        namespace[key] = wrapped(record, key, namespace[key], waits)


def give_module(namespace, record):
    try:
        with open(f"{record.settings['recorded']}/{module_file(record.name)}", encoding="utf-8") as file:
            known = json.load(file)
    except FileNotFoundError:
        record.missing("", 0, {"call": "import"}, "this evaluator was never imported")
    for key, waits in known["functions"].items():
        def plain(*_, **__):
            raise AssertionError("not called: what it gave is on record")
        plain.__name__ = plain.__qualname__ = key
        plain.__module__ = namespace["__name__"]
        namespace[key] = wrapped(record, key, plain, waits)
    namespace.update({key: decode(value) for key, value in known["values"].items()})

    def absent(name):
        if name in known["unkept"]:
            record.missing("", 0, {"call": name}, "a name of the evaluator that is neither a function nor a plain value")
        raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
    namespace["__getattr__"] = absent


def module_file(name):
    return "module-" + hashlib.sha256(name.encode()).hexdigest()[:40] + ".json"


def contents(record, namespace):
    """What the program can find in the evaluator: functions (True: to be awaited), plain values, and names of anything else."""
    known = {"evaluator": record.name, "functions": {}, "values": {}, "unkept": []}
    for key, value in namespace.items():
        if key.startswith("_"):
            continue
        if isinstance(value, types.FunctionType) and value.__module__ == namespace["__name__"]:
            known["functions"][key] = inspect.iscoroutinefunction(value)
            continue
        try:
            known["values"][key] = encode(value)
        except Unkeepable:
            known["unkept"].append(key)
    return known


def ended(record, claim, before, value, error):
    """An evaluation in this process has ended."""
    try:
        outcome = {"error": encode_error(error)} if error is not None else {"value": encode(value)}
        unkept = None
    except Unkeepable as problem:
        outcome, unkept = None, str(problem)
    after = streams()
    outcome = outcome and {**outcome, "streams": moved(before, after)}
    record.keep(*claim, outcome, unkept)


def begin(record, key, arguments, words):
    candidate = {"call": key, "arguments": [record.argument(one) for one in arguments],
                 **{k: record.argument(v) for k, v in sorted(words.items())}}
    return (*record.claim(candidate), candidate)


def give_back(record, claim):
    outcome = record.given(*claim)
    value = error = None
    if "error" in outcome:
        error = decode_error(outcome["error"])
    else:
        value = decode(outcome["value"])
    move(outcome.get("streams", {}))
    return value, error


def wrapped(record, key, function, waits):
    @functools.wraps(function)
    def call(*arguments, **words):
        if INSIDE.get():
            return function(*arguments, **words)
        claim, value, error = begin(record, key, arguments, words), None, None
        if record.mode == "give":
            value, error = give_back(record, claim)
        else:
            token, before = INSIDE.set(True), streams()
            try:
                value = function(*arguments, **words)
            except Exception as raised:
                error = raised.with_traceback(raised.__traceback__.tb_next)
            finally:
                INSIDE.reset(token)
            ended(record, claim, before, value, error)
        if error is not None:
            raise error
        return value

    @functools.wraps(function)
    async def call_async(*arguments, **words):
        if INSIDE.get():
            return await function(*arguments, **words)
        claim, value, error = begin(record, key, arguments, words), None, None
        if record.mode == "give":
            value, error = give_back(record, claim)
        else:
            token, before = INSIDE.set(True), streams()
            try:
                value = await function(*arguments, **words)
            except Exception as raised:
                error = raised.with_traceback(raised.__traceback__.tb_next)
            finally:
                INSIDE.reset(token)
            ended(record, claim, before, value, error)
        if error is not None:
            raise error
        return value

    return call_async if waits else call


# ---- an evaluator that is a program of its own

def files_below(folder):
    out = {}
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(names):
            path = os.path.join(top, name)
            if os.path.isfile(path) and not os.path.islink(path):
                out[os.path.relpath(path, folder)] = digest_of(path)
    return out


def kept_file(path):
    status = os.stat(path)
    if status.st_size > LARGEST:
        raise Unkeepable(f"{path} has {status.st_size} bytes, more than {LARGEST}")
    with open(path, "rb") as file:
        return {"mode": status.st_mode & 0o777, **kept_bytes(file.read())}


def kept_bytes(data):
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"bytes": text64(data)}


def bytes_of(kept):
    return kept["text"].encode() if "text" in kept else base64.b64decode(kept["bytes"])


def script(place, name, command, arguments):
    """Runs the evaluator, or gives back what it printed and wrote in its folder. Its exit status; a signal's as a negative number."""
    record = Record(place, name)
    folder = os.getcwd()
    own = os.path.realpath(folder) != os.path.realpath(record.root)  # elsewhere than where the search itself writes
    before = files_below(folder) if own else {}
    candidate = {"arguments": [record.argument(one) for one in arguments],
                 "files": {k: v for k, v in before.items() if os.sep not in k}}
    key, turn = record.claim(candidate)
    if record.mode == "give":
        outcome = record.given(key, turn, candidate)
        put_back(folder, outcome)
    else:
        outcome, unkept = run(command, folder, own, before)
        record.keep(key, turn, candidate, None if unkept else outcome, unkept)
    for stream, kept in ((1, outcome["stdout"]), (2, outcome["stderr"])):
        write_all(stream, bytes_of(kept))
    return outcome["status"]


def write_all(stream, data):
    try:
        while data:
            data = data[os.write(stream, data):]
    except OSError:  # nobody listens
        pass


def run(command, folder, own, before):
    import signal
    import subprocess
    one = os.fstat(1)[:3] == os.fstat(2)[:3]  # both into one pipe
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if one else subprocess.PIPE, env={**os.environ, MARK: "1"})

    def pass_on(number, _):
        child.send_signal(number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    out, err = child.communicate()
    outcome = {"status": child.returncode, "stdout": kept_bytes(out), "stderr": kept_bytes(err or b"")}
    unkept = None
    try:
        after = files_below(folder) if own else {}
        outcome["files"] = {k: kept_file(os.path.join(folder, k)) for k, v in after.items() if before.get(k) != v}
        outcome["removed"] = [k for k in before if k not in after]
    except (Unkeepable, OSError) as problem:
        unkept = str(problem)
    return outcome, unkept


def put_back(folder, outcome):
    for name, kept in outcome["files"].items():
        path = os.path.join(folder, name)
        if os.path.relpath(path, folder).startswith(".."):
            raise ValueError(f"a file outside of its folder: {name}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(bytes_of(kept))
        os.chmod(path, kept["mode"])
    for name in outcome["removed"]:
        os.unlink(os.path.join(folder, name))


def leave(status):
    if status < 0:
        import signal
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.stdout.flush()
    os._exit(status)


def stand_in(namespace, place, name):
    """Of a Python evaluator, whose file consists of a call of this."""
    if namespace["__name__"] != "__main__":
        module(namespace, place, name)
    elif os.environ.pop(MARK, None):
        with open(f"{place}/original/{name}", encoding="utf-8") as file:
            exec(compile(file.read(), namespace["__file__"], "exec", dont_inherit=True), namespace)
    else:
        leave(script(place, name, [sys.executable, *sys.orig_argv[1:]], sys.argv[1:]))


if __name__ == "__main__":  # of a shell evaluator: PLACE/stand_in.py NAME INTERPRETER FLAGS SCRIPT ARGUMENTS...
    chosen = "".join(c for c in sys.argv[3] if c in "aefnuvxC")
    leave(script(os.path.dirname(os.path.abspath(__file__)), sys.argv[1],
                 [sys.argv[2], *(["-" + chosen] if chosen else []), *sys.argv[4:]], sys.argv[5:]))
