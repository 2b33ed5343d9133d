"""Where the random streams of a process stand, and the record of evaluations. The folder PLACE, written by assay: settings.json, and
original/NAME, the evaluator's own text. Written here, each file at once: claims begun/KEY-TURN, results done/KEY-TURN.json (or .same, or
.different), done/module-KEY.json, and missing.json: an evaluation that is not on record. Nothing here draws from the program's
randomness."""

import hashlib
import random
import struct
import time
import zlib


# ---- what else an evaluation in the program's own process leaves: where its random streams stand

def preload():
    if "libassay_preload" not in os.environ.get("LD_PRELOAD", ""):
        return None
    import ctypes
    try:
        library = ctypes.CDLL(None)
        library.assay_stream_position  # noqa: B018
        return library, ctypes
    except (AttributeError, OSError):
        return None


def stream_position():
    here = preload()
    if not here:
        return [0, 0]
    place = (here[1].c_uint64 * 2)()
    here[0].assay_stream_position(place)
    return list(place)


def streams():
    numpy = sys.modules.get("numpy.random")
    return {"python": random.getstate(), "numpy": numpy.get_state(legacy=False) if numpy else None, "position": stream_position()}


def same_numpy(a, b):
    return (a is None) == (b is None) and repr(encode(a)) == repr(encode(b))


def moved(before, after):
    out = {"forward": [b - a for a, b in zip(before["position"], after["position"])]}
    if before["python"] != after["python"]:
        version, state, gauss = after["python"]
        out["python"] = [version, text64(zlib.compress(struct.pack(f"<{len(state)}I", *state))), encode(gauss)]
    if not same_numpy(before["numpy"], after["numpy"]):
        out["numpy"] = encode(after["numpy"])
    return {k: v for k, v in out.items() if v != [0, 0]}


def move(to):
    if "python" in to:
        version, packed, gauss = to["python"]
        data = zlib.decompress(base64.b64decode(packed))
        random.setstate((version, struct.unpack(f"<{len(data) // 4}I", data), decode(gauss)))
    if "numpy" in to:
        importlib.import_module("numpy.random").set_state(decode(to["numpy"]))
    here = preload()
    if here and "forward" in to:
        here[0].assay_stream_forward(*(here[1].c_uint64(n) for n in to["forward"]))


# ---- the record

def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Record:
    def __init__(self, place, name):
        self.place, self.name = place, name
        with open(f"{place}/settings.json", encoding="utf-8") as file:
            self.settings = json.load(file)
        self.mode, self.root = self.settings["mode"], self.settings["root"]

    def argument(self, value):
        if isinstance(value, (str, os.PathLike)) and os.path.isfile(value):
            return {"file": digest_of(value)}
        if isinstance(value, str):
            return value.replace(self.root, ".")
        try:
            return encode(value)
        except Unkeepable as error:
            return {"other": str(error)}

    def claim(self, candidate):
        """(key, turn, candidate): the same candidate may be evaluated more than once."""
        key = hashlib.sha256(json.dumps([self.name, candidate], sort_keys=True).encode()).hexdigest()[:40]
        for turn in range(1, 1 << 30):
            try:
                with open(f"{self.place}/begun/{key}-{turn}", "x", encoding="utf-8") as file:
                    json.dump({"evaluator": self.name, "candidate": candidate, "turn": turn}, file, sort_keys=True)
                return key, turn
            except FileExistsError:
                pass

    def write(self, name, document):
        try:
            with open(f"{self.place}/{name}.new", "x", encoding="utf-8") as file:
                json.dump(document, file, sort_keys=True)
        except FileExistsError:
            return
        os.rename(f"{self.place}/{name}.new", f"{self.place}/{name}")

    def recorded(self, key, turn):
        """What was recorded; nothing where this was never evaluated."""
        try:
            with open(f"{self.settings['recorded']}/{key}-{turn}.json", encoding="utf-8") as file:
                return json.loads(file.read().replace(self.settings["recorded_root"], self.root))
        except FileNotFoundError:
            return None

    def missing(self, key, turn, candidate, why):
        """Says so, and waits for the end: nothing is made up that the search would go on from."""
        self.write("missing.json", {"evaluator": self.name, "candidate": candidate, "turn": turn, "key": key, "why": why})
        while True:
            time.sleep(60)

    def given(self, key, turn, candidate):
        document = self.recorded(key, turn)
        if document is None:
            self.missing(key, turn, candidate, "never evaluated" if turn == 1 else f"evaluated {turn - 1} times, not {turn}")
        if "unkept" in document:
            self.missing(key, turn, candidate, "its result could not be kept: " + document["unkept"])
        if not document["ended"]:
            if not self.settings["whole"]:
                self.missing(key, turn, candidate, "the recording was cut short before it ended")
            while True:  # it did not end by itself then: whoever ended it does so again
                time.sleep(60)
        return document["outcome"]

    def keep(self, key, turn, candidate, outcome, unkept=None):
        document = {"evaluator": self.name, "candidate": candidate, "turn": turn, "ended": True, "outcome": outcome}
        if unkept:
            document["unkept"] = unkept
        if self.mode == "keep":
            self.write(f"done/{key}-{turn}.json", document)
            return
        before = self.recorded(key, turn)
        same = before is not None and json.loads(json.dumps(document))["outcome"] == before["outcome"]
        self.write(f"done/{key}-{turn}.{'same' if same else 'different'}",
                   {"evaluator": self.name, "candidate": candidate, "turn": turn, "known": before is not None,
                    "recorded": before and before["outcome"], "found": outcome})
