"""docs/formats/commands.schema.json, which every --json document follows. As a program: are these files such documents?

    schemas.py FILE...
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ROOT / "docs/formats"


def validator():
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    schemas = {path.name: json.loads(path.read_text()) for path in FORMATS.glob("*.schema.json")}
    registry = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in schemas.items())
    Draft202012Validator.check_schema(schemas["commands.schema.json"])
    return Draft202012Validator(schemas["commands.schema.json"], registry=registry)


def problems(document):
    """What the schema says of it; empty where it is one."""
    errors = list(validator().iter_errors(document))
    # The branch that is meant says most precisely what is wrong.
    branch = [e for error in errors for e in (error.context or [error])]
    return "\n".join(f"{e.json_path}: {e.message[:200]}" for e in branch if "command" not in e.json_path)[:4000] if errors else ""


def problems_where_there_is_a_validator(document):
    try:
        return problems(document)
    except ImportError:
        return ""


if __name__ == "__main__":
    found = {name: problems(json.loads(Path(name).read_text())) for name in sys.argv[1:]}
    print("\n".join(f"{name}: {text}" for name, text in found.items() if text))
    sys.exit(any(found.values()))
