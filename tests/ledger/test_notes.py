"""Signed notes, keys and checkpoints as text: the forms of C2SP, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import SignatureError
from agora.ledger.checkpoint import Checkpoint, origin_of
from agora.ledger.notes import Note, PublicKey, SecretKey, notes_in

KEY = SecretKey("agora", bytes(range(32)))
OTHER = SecretKey("agora", bytes(32))
POINT = Checkpoint("agora-ledger/5f0c21b39aab4c57", 1234, bytes(range(32)))


def test_the_published_example_is_read() -> None:
    # The example of Go's golang.org/x/mod/sumdb/note, which C2SP signed-note describes.
    key = PublicKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    (found,) = notes_in(text)
    assert found.note is not None
    assert key.signed(found.note)
    assert str(found.note) == text
    assert not key.signed(found.note._replace(text=found.note.text.replace("your", "my", 1)))


def test_a_signing_key_of_the_same_library_is_read() -> None:
    key = SecretKey.parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    assert str(key.public) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert SecretKey.parse(key.text()).public == key.public
    assert "AYEK" not in repr(key)


def test_a_checkpoint_is_the_text_of_a_note() -> None:
    note = KEY.sign(POINT.text())
    assert str(note).startswith("agora-ledger/5f0c21b39aab4c57\n1234\nAAECAwQF")
    assert Checkpoint.parse(note.text) == POINT
    assert Checkpoint.parse(POINT.text() + "an extension\n") == POINT
    assert (KEY.public.signed(note), OTHER.public.signed(note)) == (True, False)
    assert PublicKey.parse(str(KEY.public) + "\n") == KEY.public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\nAAAA\n",
        "a\n-1\n" + 43 * "A" + "=\n",
        "a\n1\nno\n",
        "a\n" + 30 * "9" + "\n" + 43 * "A" + "=\n",
        "a\n1\n" + 42 * "A" + "B=\n",  # base64 with a bit too many: another spelling of the same root
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(SignatureError, match="not a checkpoint"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text", ["", "agora", "agora+12345678+AAAA", "a b+12345678+" + 44 * "A", str(KEY.public).replace("+", "+0", 1)]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(SignatureError, match="public key"):
        PublicKey.parse(text)


def test_what_is_no_signing_key_is_refused_and_never_shown() -> None:
    whole = KEY.text()
    for text in ("", "secret stuff", whole[:-4], whole.replace("+agora+", "+other+"), str(KEY.public)):
        with pytest.raises(SignatureError, match=r"not an? (ed25519 )?signing key") as refused:
            SecretKey.parse(text)
        assert "stuff" not in str(refused.value)
        assert whole[-20:] not in str(refused.value)
    with pytest.raises(SignatureError, match="without blanks"):
        SecretKey("a b", bytes(32))


def test_a_text_that_a_note_cannot_have_is_not_signed() -> None:
    for text in ("no newline", "a bell \a\n", "half \ud800\n"):
        with pytest.raises(SignatureError, match="cannot be signed"):
            KEY.sign(text)


def test_a_torn_note_is_told_and_the_next_one_is_read() -> None:
    whole = str(KEY.sign(POINT.text()))
    later = str(KEY.sign(POINT._replace(size=2000).text()))
    for cut in range(1, len(whole)):
        found = list(notes_in(f"{whole}\n{whole[:cut]}\n\n{later}"))
        good = [one.note for one in found if one.note is not None and KEY.public.signed(one.note)]
        assert [Checkpoint.parse(note.text).size for note in good] == (
            [1234, 1234, 2000] if cut >= len(whole) - 1 else [1234, 2000]
        )
        assert list(notes_in(whole + whole[:cut]))[1].note is None


@given(text=st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert not any(KEY.public.signed(found.note) for found in notes_in(text) if found.note is not None)


@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1).map(lambda text: text + "\n")
    )
)
def test_notes_are_read_back_one_after_another(texts: list[str]) -> None:
    notes = [KEY.sign(text) for text in texts if not text.startswith("—")]
    assert [found.note for found in notes_in("\n".join(map(str, notes)))] == notes


def test_a_ledger_is_called_by_its_first_entry() -> None:
    assert origin_of("ab" * 32) == "agora-ledger/abababababababab"
    assert Note("x\n", ()).signatures == ()


def test_a_text_with_half_a_character_is_signed_by_nobody() -> None:
    note = KEY.sign(POINT.text())
    assert not KEY.public.signed(note._replace(text=note.text + "\ud800\n"))


def test_a_signature_and_a_key_have_one_spelling() -> None:
    text = str(KEY.sign(POINT.text()))
    assert text.endswith("=\n")
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = text.rstrip("=\n")[-1]
    other = text.rstrip("=\n")[:-1] + digits[digits.index(last) + 1] + text[len(text.rstrip("=\n")) :]
    assert [found.note is None for found in (*notes_in(text), *notes_in(other))] == [False, True]
