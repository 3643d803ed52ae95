"""Checks a proof that an entry stands on a ledger, with nothing of Agora: python standalone_checker.py PROOF KEY."""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a leaf and the hashes beside its way up give (RFC 9162, 2.1.3.2); empty: it is none."""
    node, last, found = index, size - 1 if index < size else 0, sha256(b"\0" + leaf)
    for step in path:
        if last == 0:
            return b""
        if node & 1 or node == last:
            found = sha256(b"\1" + step + found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + step)
        node, last = node >> 1, last >> 1
    return b"" if last else found


def check(proof: str, key: str) -> dict[str, object]:
    """The entry that is proven; ValueError or InvalidSignature where it is not."""
    head, text, signatures = proof.split("\n\n")
    name, public = key.split("+")[0], base64.b64decode(key.split("+", 2)[2], validate=True)
    key_id = sha256(name.encode() + b"\n" + public)[:4]
    dash, signer, data = signatures.strip().split(" ")
    signed = base64.b64decode(data, validate=True)
    if (dash, signer) != ("—", name) or signed[:4] != key_id or public[0] != 1:
        raise ValueError("signed with another key")
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], (text + "\n").encode())
    _origin, size, root = text.split("\n")
    first, extra, index, *path = head.split("\n")
    if (first, extra[:6], index[:6]) != ("c2sp.org/tlog-proof@v1", "extra ", "index "):
        raise ValueError("no proof")
    leaf, number = base64.b64decode(extra[6:], validate=True), int(index[6:])
    steps = [base64.b64decode(step, validate=True) for step in path]
    entry: dict[str, object] = json.loads(leaf)
    if root_of(leaf, number, int(size), steps) != base64.b64decode(root) or entry["seq"] != number + 1:
        raise ValueError("the hashes do not lead to the root that was signed")
    return entry


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{check(Path(sys.argv[1]).read_text(encoding='utf-8'), sys.argv[2])}\n")
    except (ValueError, InvalidSignature) as problem:
        sys.exit(f"not proven: {problem!r}")
