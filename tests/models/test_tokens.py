"""Bounds on tokens."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.messages import Message, Request, ToolSpec
from agora.models.tokens import bound_tokens, floor_tokens, utf8_bytes


def ask(*texts: str) -> Request:
    return Request(messages=tuple(Message(role="user", content=text) for text in texts))


@cache
def encoding(name: str) -> tiktoken.Encoding:
    litellm = find_spec("litellm")
    assert litellm is not None
    assert litellm.origin is not None
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")
    return tiktoken.get_encoding(name)


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
@settings(deadline=None)  # the first example reads a vocabulary from disk
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_text_has_no_fewer_tokens_than_the_floor_and_no_more_than_its_bytes(name: str, text: str) -> None:
    tokens = encoding(name).encode(text, disallowed_special=())
    assert floor_tokens(text) <= len(tokens) <= utf8_bytes(text)


@pytest.mark.parametrize(
    "text", [" " * 4000, "=" * 4000, "\n" * 999, "aaaa" * 500, "don't I'll we've " * 50, "你好" * 99]
)
def test_the_floor_holds_for_what_packs_well(text: str) -> None:
    assert floor_tokens(text) <= len(encoding("o200k_base").encode(text)) <= utf8_bytes(text)


@given(st.lists(st.text(), max_size=4), st.text())
def test_more_text_never_lowers_the_bound(texts: list[str], more: str) -> None:
    assert bound_tokens(ask(*texts, more)) > bound_tokens(ask(*texts))
    assert bound_tokens(ask(*texts)) >= sum(map(utf8_bytes, texts))


def test_tools_and_schemas_count() -> None:
    spec = ToolSpec(name="grep", description="Search.", parameters={"type": "object"})
    bare, plain = ask("hi"), bound_tokens(ask("hi"))
    with_tools = bound_tokens(bare.model_copy(update={"tools": (spec,)}))
    assert with_tools > plain + len(spec.model_dump_json())
    assert bound_tokens(bare.model_copy(update={"tools": (spec, spec)})) > with_tools
    assert bound_tokens(bare.model_copy(update={"output_schema": {"type": "object"}})) > plain
