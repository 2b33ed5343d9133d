"""What an evaluation gave, as JSON and back: values, and errors with the frames that a traceback shows. The files evaluation_*.py are one
program: values, streams, record, and then what stands in for a module and for a script, joined in that order."""

import ast
import base64
import importlib
import json
import os
import sys
import types

EVALUATOR = {}  # "module": the name that the evaluator was imported by


class Unkeepable(Exception):
    """A value that cannot be written down and made again."""


def text64(data):
    return base64.b64encode(data).decode()


# ---- values, as JSON

def encode(value, depth=0):
    if depth > 64:
        raise Unkeepable("nested deeper than 64")
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 2**53 else {"int": str(value)}
    if kind is float:
        return value if value - value == 0 else {"float": repr(value)}
    if kind is str:
        try:
            value.encode()
            return value
        except UnicodeEncodeError:
            return {"str": text64(value.encode("utf-8", "surrogatepass"))}
    if kind is bytes:
        return {"bytes": text64(value)}
    if kind is list:
        return [encode(one, depth + 1) for one in value]
    if kind in (tuple, set, frozenset):
        items = value if kind is tuple else sorted(value, key=repr)
        return {kind.__name__: [encode(one, depth + 1) for one in items]}
    if kind is dict:
        return {"dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    return encode_object(value, kind, depth)


def encode_object(value, kind, depth):
    numpy = sys.modules.get("numpy")
    if numpy and isinstance(value, numpy.generic) and not value.dtype.hasobject:
        return {"number": [value.dtype.str, text64(value.tobytes())]}
    if numpy and kind is numpy.ndarray and not value.dtype.hasobject:
        return {"array": [value.dtype.str, list(value.shape), text64(value.tobytes())]}
    if isinstance(value, os.PathLike):
        return {"path": os.fspath(value)}
    name = [kind.__module__, kind.__qualname__]
    if found(name) is not kind:
        raise Unkeepable(f"a value of {name[0]}.{name[1]}")
    if "enum" in sys.modules and isinstance(value, sys.modules["enum"].Enum):
        return {"enum": name + [value.name]}
    if isinstance(value, (dict, list, tuple, set, int, float, str, bytes)) or not hasattr(value, "__dict__") or hasattr(kind, "__slots__"):
        raise Unkeepable(f"a value of {name[0]}.{name[1]}")
    return {"object": name, "state": encode(dict(vars(value)), depth + 1)}


def found(name):
    """What another process finds under this name: nothing of the evaluator itself, which is not run there."""
    if name[0] in ("__main__", EVALUATOR.get("module")):
        return None
    try:
        at = importlib.import_module(name[0])
        for part in name[1].split("."):
            at = getattr(at, part)
        return at
    except (ImportError, AttributeError):
        return None


def decode(value):
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "object" in value:
        kind = found(value["object"])
        made = kind.__new__(kind)
        vars(made).update(decode(value["state"]))
        return made
    (kind, data), = value.items()
    plain = {"int": int, "float": float, "bytes": base64.b64decode, "path": importlib.import_module("pathlib").Path,
             "str": lambda d: base64.b64decode(d).decode("utf-8", "surrogatepass")}
    if kind in plain:
        return plain[kind](data)
    if kind in ("tuple", "set", "frozenset"):
        return {"tuple": tuple, "set": set, "frozenset": frozenset}[kind](decode(one) for one in data)
    if kind == "dict":
        return {decode(k): decode(v) for k, v in data}
    if kind == "enum":
        return found(data[:2])[data[2]]
    numpy = importlib.import_module("numpy")
    if kind == "number":
        return numpy.frombuffer(base64.b64decode(data[1]), data[0])[0]
    return numpy.frombuffer(base64.b64decode(data[2]), data[0]).reshape(data[1]).copy()


# ---- errors: their type, what they were made of, and the frames that a traceback shows

def encode_error(error, depth=0):
    if depth > 16:
        raise Unkeepable("a long chain of errors")
    kind = type(error)
    name = [kind.__module__, kind.__qualname__]
    if found(name) is not kind:
        raise Unkeepable(f"an error {name[0]}.{name[1]}")
    frames, at = [], error.__traceback__
    while at:
        code = at.tb_frame.f_code
        places = list(code.co_positions())[at.tb_lasti // 2] if hasattr(code, "co_positions") else (at.tb_lineno, at.tb_lineno, 0, 0)
        frames.append([code.co_filename, code.co_name, getattr(code, "co_qualname", code.co_name), list(places)])
        at = at.tb_next
    made = {"type": name, "args": encode(error.args), "state": encode(dict(vars(error))), "frames": frames, "text": str(error)[:4096]}
    for link in ("cause", "context"):
        if getattr(error, f"__{link}__") is not None:
            made[link] = encode_error(getattr(error, f"__{link}__"), depth + 1)
    return {**made, "suppress": error.__suppress_context__}


def decode_error(data):
    """The error with the frames it had, though none of them runs: each is a line of code that stands where the frame's stood."""
    kind = found(data["type"])
    error = kind.__new__(kind)
    error.args = decode(data["args"])
    vars(error).update(decode(data["state"]))
    if data["frames"]:
        try:
            chain(data["frames"], error)()
        except kind as raised:
            error = raised.with_traceback(raised.__traceback__.tb_next)
    # Raised outside of any handler of what it was first raised in.
    error.__context__ = decode_error(data["context"]) if "context" in data else None
    error.__cause__ = decode_error(data["cause"]) if "cause" in data else None
    error.__suppress_context__ = data["suppress"]
    return error


def chain(frames, error):
    call = None
    for file, name, qualname, (line, end, column, end_column) in reversed(frames):
        where = {"lineno": line or 1, "end_lineno": end or line or 1, "col_offset": column or 0, "end_col_offset": end_column or 0}
        target = ast.Name("assay_next", ast.Load(), **where)
        body = ast.Expr(ast.Call(target, [], [], **where), **where) if call else ast.Raise(target, None, **where)
        code = compile(ast.Module([body], []), file, "exec")
        names = {"co_name": name, **({"co_qualname": qualname} if hasattr(code, "co_qualname") else {})}
        call = types.FunctionType(code.replace(**names), {"assay_next": call or error})
    return call
