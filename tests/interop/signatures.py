#!/usr/bin/env python3
"""A stranger's verifier of proofs, written after docs/formats/signatures.md, run on the golden files and on damaged
copies; and the JSON Schemas on the same files."""

import base64
import copy
import hashlib
import json
import unittest

from program import ROOT, need_modules

need_modules("cryptography", "jsonschema")

import jsonschema  # noqa: E402
from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: E402

GOLDEN = ROOT / "tests/formats/golden"
DOCS = ROOT / "docs/formats"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"


def sha256(data):
    return hashlib.sha256(data).digest()


def public_key(line):
    kind, digits = line.split(" ")
    blob = base64.b64decode(digits, validate=True)
    assert kind == "ssh-ed25519" and blob[:15] == b"\0\0\0\x0bssh-ed25519" and blob[15:19] == b"\0\0\0\x20" and len(blob) == 51
    return Ed25519PublicKey.from_public_bytes(blob[19:])


def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def root_of(leaf, index, count, path):
    """RFC 9162, section 2.1.3.2."""
    assert index < count
    fn, sn, root = index, count - 1, leaf
    for sibling in path:
        assert sn
        if fn & 1 or fn == sn:
            root = sha256(b"\x01" + sibling + root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = sha256(b"\x01" + root + sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return root


def verify(proof, key):
    envelope = proof["envelope"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    signatures = [base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"] if one["keyid"] == key]
    assert signatures
    for signature in signatures:
        public_key(key).verify(signature, pae(envelope["payloadType"].encode(), payload))
    statement = json.loads(payload)
    root = statement["predicate"]["root"]
    assert statement["subject"][0]["digest"]["sha256"] == root and statement["predicate"]["items"] == proof["count"]
    for item in proof["items"]:
        leaf = sha256(b"\0" + item["line"].encode())
        assert root_of(leaf, item["index"], proof["count"], [bytes.fromhex(one) for one in item["path"]]).hex() == root
        content = base64.b64decode(item["content"], validate=True)
        _, _, size, digest = item["line"].split("\t")
        assert len(content) == int(size) and hashlib.sha256(content).hexdigest() == digest
    return root


class Signatures(unittest.TestCase):
    def setUp(self):
        self.text = (GOLDEN / "proof-v1.json").read_text()
        self.proof = json.loads(self.text)

    def test_proof_verifies(self):
        self.assertEqual(verify(self.proof, KEY), "1872485be2858e85428c8be09b02d4801cf6fb24815cefb193811b048df10889")

    def test_text_is_canonical(self):
        again = json.dumps(self.proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        self.assertEqual(again, self.text)

    def test_damage_is_refused(self):
        for change in (lambda p: p.update(count=3), lambda p: p["items"][0].update(content="cGFzcwk="),
                       lambda p: p["items"][0].update(index=0), lambda p: p["items"][0]["path"].clear(),
                       lambda p: p["items"][0].update(line=p["items"][0]["line"].replace("program", "prograM")),
                       lambda p: p["envelope"].update(payloadType="text/plain")):
            damaged = copy.deepcopy(self.proof)
            change(damaged)
            with self.assertRaises((AssertionError, InvalidSignature, ValueError)):
                verify(damaged, KEY)

    def test_checkpoint_verifies(self):
        text = (GOLDEN / "item-v1.tlog-proof").read_text()
        proof, _, note = text.partition("\n\n")
        body, _, line = note.partition("\n\n")
        body += "\n"
        dash, name, digits = line.rstrip("\n").split(" ")
        signature = base64.b64decode(digits, validate=True)
        key = public_key(KEY)
        raw = base64.b64decode(KEY.split(" ")[1])[19:]
        self.assertEqual((dash, signature[:4]), ("\u2014", sha256(name.encode() + b"\n\x01" + raw)[:4]))
        key.verify(signature[4:], body.encode())
        origin, count, root = body.splitlines()
        head, index, *path = proof.splitlines()
        self.assertEqual((head, origin), ("c2sp.org/tlog-proof@v1", name))
        leaf = sha256(b"\0" + self.proof["items"][0]["line"].encode())
        found = root_of(leaf, int(index.removeprefix("index ")), int(count), [base64.b64decode(one) for one in path])
        self.assertEqual(base64.b64encode(found).decode(), root)

    def test_schemas(self):
        jsonschema.validate(self.proof, json.loads((DOCS / "proof.schema.json").read_text()))
        policy = json.loads((DOCS / "policy.schema.json").read_text())
        jsonschema.validate({"threshold": 2, "revoked": ["SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8"]}, policy)
        for bad in ({"treshold": 2}, {"threshold": 0}, {"revoked": ["x"]}):
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(bad, policy)


if __name__ == "__main__":
    unittest.main(verbosity=2)
