"""Proofs of single entries: an independent checker accepts them, and refuses each that was altered."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import AgoraError, DivergedError, SignatureError, UnknownNameError
from agora.ledger.notes import SecretKey
from agora.ledger.tree import Tree, leaf_hash
from agora.traces.trust.proving import Proof, prove
from agora.traces.trust.rooted import whole
from traces import standalone_checker
from traces.signed_ledgers import KEY, ledger, signed_at

CHECKER = Path(standalone_checker.__file__)
STORE = ledger(300)
(SIGNED,) = signed_at(STORE, 290)
VKEY = str(KEY.public)
PROOF = prove(STORE, 130, SIGNED.note)


def test_the_checker_is_sixty_lines_and_has_nothing_of_ours() -> None:
    text = CHECKER.read_text()
    assert len(text.splitlines()) <= 60
    tree = ast.parse(text)
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"base64", "cryptography", "hashlib", "json", "pathlib", "sys"}


@settings(max_examples=40, deadline=None)
@given(seq=st.integers(1, 290))
def test_a_stranger_accepts_the_proof_of_any_entry(seq: int) -> None:
    proof = prove(STORE, seq, SIGNED.note)
    entry = standalone_checker.check(str(proof), VKEY)
    assert (entry["seq"], entry["run"]) == (seq, f"r{(seq - 1) % 3}")
    assert Proof.parse(str(proof)) == proof
    assert proof.check(KEY.public) == SIGNED.checkpoint


def test_the_checker_runs_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "event.tlog-proof"
    file.write_text(str(PROOF), encoding="utf-8")
    command = [sys.executable, "-I", str(CHECKER), str(file), VKEY]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith("{'at_us':")
    file.write_text(str(PROOF).replace("index 129", "index 128"), encoding="utf-8")
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (refused.returncode, "not proven" in refused.stderr) == (1, True)


def refuse(text: str, key: str = VKEY) -> None:
    with pytest.raises((ValueError, InvalidSignature)):
        standalone_checker.check(text, key)


def test_what_was_altered_is_refused_by_both() -> None:
    other = prove(STORE, 131, SIGNED.note)
    changed = PROOF.envelope.replace(b'"run":"r0"', b'"run":"r1"')
    assert changed != PROOF.envelope
    (short,) = signed_at(STORE, 129)
    for bent in (
        PROOF._replace(envelope=changed),
        PROOF._replace(envelope=other.envelope),
        PROOF._replace(number=130),
        PROOF._replace(path=PROOF.path[:-1]),
        PROOF._replace(path=(*PROOF.path, PROOF.path[-1])),
        PROOF._replace(path=PROOF.path[::-1]),
        PROOF._replace(note=PROOF.note._replace(text=PROOF.note.text.replace("290", "291"))),
        PROOF._replace(note=short.note),
        PROOF._replace(note=SecretKey("agora", bytes(32)).sign(PROOF.note.text)),
        PROOF._replace(note=SecretKey("other", bytes(range(32))).sign(PROOF.note.text)),
    ):
        refuse(str(bent))
        with pytest.raises(SignatureError):
            Proof.parse(str(bent)).check(KEY.public)
    refuse(str(PROOF), str(SecretKey("agora", bytes(32)).public))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(str(PROOF)) - 1), put=st.characters(codec="ascii"))
def test_a_single_character_that_changes_its_meaning_is_refused(at: int, put: str) -> None:
    text = str(PROOF)
    bent = text[:at] + put + text[at + 1 :]
    try:
        parsed = Proof.parse(bent)
        parsed.check(KEY.public)
    except AgoraError:
        return
    assert parsed == PROOF  # spelled otherwise, as the unused bits of base64 can be


def test_an_entry_at_a_place_that_is_not_its_own_is_refused() -> None:
    leaves = [leaf_hash(PROOF.envelope) for _ in range(4)]  # somebody signs a tree in which it stands four times
    tree = Tree.of(leaves)
    note = KEY.sign(SIGNED.checkpoint._replace(size=4, root=tree.root(4)).text())
    bent = Proof(PROOF.envelope, 2, tuple(tree.inclusion(2, 4)), note)
    refuse(str(bent))
    with pytest.raises(SignatureError, match="does not hold"):
        bent.check(KEY.public)


def test_the_proof_at_a_million_entries_is_below_a_kilobyte() -> None:
    path = (bytes(32),) * 20
    assert len(PROOF._replace(number=999_999, path=path).core()) <= 1000


def test_what_cannot_be_proven_is_refused() -> None:
    for seq in (0, 291, 400):
        with pytest.raises(UnknownNameError, match="event"):
            prove(STORE, seq, SIGNED.note)
    (foreign,) = signed_at(ledger(299), 290)
    forged = foreign.checkpoint._replace(root=bytes(32))
    with pytest.raises(DivergedError, match="another ledger"):
        prove(STORE, 5, KEY.sign(forged.text()))


def test_bytes_that_are_no_entry_are_no_proof() -> None:
    leaf = PROOF.envelope.replace(b'"v":1', b'"v": 1')
    for envelope in (b"{}", b"[1]", b"\xff", leaf):
        text = str(PROOF).replace(b64encode(PROOF.envelope).decode(), b64encode(envelope).decode())
        with pytest.raises(SignatureError, match="not a proof"):
            Proof.parse(text).entry()
    for text in ("", "c2sp.org/tlog-proof@v1\n\n", str(PROOF)[:-20], str(PROOF).replace("index 129", "index x")):
        with pytest.raises(SignatureError):
            Proof.parse(text).check(KEY.public)
    assert whole(STORE).size == 300


def test_a_proof_has_one_spelling() -> None:
    text = str(PROOF)
    lines = text.split("\n")
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    step = lines[3][:-2] + digits[digits.index(lines[3][-2]) + 1] + "="
    for other in (
        text.replace("index 129", "index 0129"),
        text.replace("index 129", "index " + 5000 * "9"),
        text.replace("index 129", "129"),
        text.replace("extra ", ""),
        text.replace(lines[3], step),
        text.replace("\n", "\r\n"),
        text + "\n",
    ):
        assert other != text
        with pytest.raises(SignatureError, match="not a proof"):
            Proof.parse(other)


@pytest.mark.parametrize(("name", "value"), [("at_us", -(10**30)), ("at_us", 2**53), ("v", 99), ("run", 7)])
def test_an_entry_that_nobody_can_have_recorded_is_no_proof(name: str, value: int) -> None:
    fields = json.loads(PROOF.envelope) | {name: value}
    bent = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(SignatureError, match="no entry of a ledger"):
        PROOF._replace(envelope=bent).entry()
