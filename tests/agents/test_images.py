"""Images of a task: checked before anything is spent, read once, sent as they are to models that look at them."""

from __future__ import annotations

import base64
from decimal import Decimal
from pathlib import Path

import pytest

from agora.abilities import Seeing
from agora.agents.images import MOST_ALL_BYTES, MOST_BYTES, media_type, read_images
from agora.agents.llm import LLMAgent
from agora.bids import Plan, Price
from agora.cli.definitions import load_task
from agora.errors import ConfigError
from agora.events import Reserved
from agora.ledger.canonical import MAX_BYTES, encode
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Image, Message, Request
from agora.models.litellm_model import LiteLLMModel
from agora.models.local import LocalModel
from agora.models.tokens import IMAGE_TOKENS, THIRSTY_IMAGE_TOKENS
from agora.posting import as_task
from agora.tasks import Task
from agora.testing import FakeClock, ScriptedModel, desk_for, expecting
from agora.testing.endpoint import FaultyEndpoint

PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10))
PLAN = Plan(text="1. look", steps=1)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
KINDS = {
    "a.png": PNG,
    "b.jpg": b"\xff\xd8\xff\xe0" + b"jpeg",
    "c.gif": b"GIF89a" + b"gif",
    "d.webp": b"RIFF\x10\0\0\0WEBPVP8 " + b"webp",
}


def folder_of(tmp_path: Path, **files: bytes) -> Path:
    for name, content in {**KINDS, **files}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def task(folder: Path | None, *images: str) -> Task:
    return as_task(Task(id="t", goal="say what is there", images=images, workspace=str(folder) if folder else None))


async def test_the_endpoint_receives_the_very_bytes_when_bidding_and_performing(tmp_path: Path) -> None:
    shown = task(folder_of(tmp_path), *KINDS)
    with FaultyEndpoint("ok") as endpoint:
        model = LiteLLMModel("openai/test", api_base=endpoint.url, api_key="none", price=PRICE)
        agent = LLMAgent("a", model, tools=[], images=True)
        await agent.bid(desk_for(shown))
        await agent.perform(desk_for(shown), PLAN)
        for request in endpoint.requests:
            words, *pictures = request["messages"][-1]["content"]
            assert "say what is there" in words["text"]
            urls = [picture["image_url"]["url"] for picture in pictures]
            heads = [url.partition(",")[0] for url in urls]
            assert heads == [f"data:image/{kind};base64" for kind in ("png", "jpeg", "gif", "webp")]
            assert [base64.b64decode(url.partition(",")[2]) for url in urls] == list(KINDS.values())
        assert endpoint.count == 2


async def test_a_model_that_takes_no_images_is_told_their_names(tmp_path: Path) -> None:
    shown = task(folder_of(tmp_path), "a.png", "c.gif")
    store = MemoryStore(clock=FakeClock())
    model = ScriptedModel(
        "m", [expecting("cannot look at images: a.png", "1. guess"), expecting("images: c.gif", "ok")]
    )
    agent = LLMAgent("a", model, tools=[])
    await agent.bid(desk_for(shown, store=store))
    await agent.perform(desk_for(shown, store=store), PLAN)
    sent = [item.event.request for item in store.events() if isinstance(item.event, Reserved)]
    assert not any(message.images for request in sent for message in request.messages)


def test_who_looks_at_images_is_known_of_listed_models() -> None:
    assert LiteLLMModel("openai/gpt-5-mini").takes_images()
    assert not LiteLLMModel("openai/gpt-3.5-turbo").takes_images()
    assert not LiteLLMModel("openai/gpt-5-mini", api_base="http://127.0.0.1:9/v1").takes_images()
    assert not isinstance(LocalModel(), Seeing)


def test_windows_are_known_of_listed_models_and_of_the_local_one() -> None:
    most = LiteLLMModel("openai/gpt-5-mini").context_tokens()
    assert most is not None
    assert most > 100_000
    assert LiteLLMModel("openai/no-such-model").context_tokens() is None
    assert LiteLLMModel("openai/gpt-5-mini", api_base="http://127.0.0.1:9/v1").context_tokens() is None
    assert LocalModel().context_tokens() == 4096


def test_images_count_at_an_upper_bound() -> None:
    image = Image(media_type="image/png", data=PNG)
    plain = Request(messages=(Message(role="user", content="hi"),))
    seen = Request(messages=(Message(role="user", content="hi", images=(image, image)),))
    for name, each in (("openai/gpt-5-mini", IMAGE_TOKENS), ("openai/gpt-4o-mini", THIRSTY_IMAGE_TOKENS)):
        model = LiteLLMModel(name)
        assert model.bound_tokens(seen) - model.bound_tokens(plain) == 2 * each


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("none.png", "'none.png' is not a file; it is looked for in the workspace"),
        ("text.png", "'text.png' is no PNG, JPEG, GIF or WebP by its content: convert it"),
        ("../out.png", "is outside of the workspace: put it inside"),
        ("link.png", "is outside of the workspace"),
        ("large.png", "5,000,001 bytes, and 5,000,000 is the most"),
        (".", "is not a file"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_before_anything_is_spent(
    tmp_path: Path, image: str, words: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "out.png").write_bytes(PNG)
    folder_of(inside, **{"text.png": b"no image", "large.png": PNG + bytes(MOST_BYTES + 1 - len(PNG))})
    (inside / "link.png").symlink_to(tmp_path / "out.png")
    with pytest.raises(ConfigError, match=words):
        task(inside, image)


def test_too_many_images_and_too_large_a_set_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path)
    with pytest.raises(ConfigError, match="are 21, and 20 is the most"):
        task(tmp_path, *["a.png"] * 21)
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(PNG + bytes(4_500_000))
    with pytest.raises(ConfigError, match="bytes together, and 20,000,000 is the most: make them smaller"):
        task(tmp_path, *[f"{number}.png" for number in range(5)])
    assert task(tmp_path, *[f"{number}.png" for number in range(4)]).images == ("0.png", "1.png", "2.png", "3.png")


def test_the_most_that_a_task_may_hold_fits_a_body_of_the_ledger() -> None:
    image = Image(media_type="image/png", data=bytes(MOST_ALL_BYTES // 4))
    request = Request(messages=(Message(role="user", content="x" * 100_000, images=(image,) * 4),))
    body = encode(Reserved(call="c", agent="a", model="m", request=request, usd=Decimal(0), tokens=0))
    assert MOST_ALL_BYTES < len(body) < MAX_BYTES


def test_an_image_is_read_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    shown = task(folder_of(tmp_path), "a.png")
    (first,) = read_images(shown)
    assert first == Image(media_type="image/png", data=PNG)
    assert read_images(shown)[0] is first
    (tmp_path / "a.png").write_bytes(PNG + b"more")
    assert read_images(shown)[0].data == PNG + b"more"


def test_paths_stay_relative_to_a_workspace_and_are_absolute_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path)
    assert task(tmp_path, str(tmp_path / "a.png")).images == ("a.png",)
    monkeypatch.chdir(tmp_path)
    loose = task(None, "a.png")
    assert loose.images == (str(tmp_path / "a.png"),)
    assert as_task(loose) == loose


def test_a_tasks_file_names_images_beside_it_or_in_its_workspace(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    folder_of(inside)
    (tmp_path / "own.png").write_bytes(PNG)
    file = tmp_path / "look.toml"
    file.write_text('goal = "look"\nimages = ["own.png"]\n')
    assert load_task(file).images == (str(tmp_path / "own.png"),)
    file.write_text('goal = "look"\nworkspace = "inside"\nimages = ["b.jpg"]\n')
    assert load_task(file).images == ("b.jpg",)
    file.write_text('goal = "look"\nimages = ["gone.png"]\n')
    with pytest.raises(ConfigError, match=r"look\.toml: images: 'gone\.png' is not a file"):
        load_task(file)


def test_the_kind_is_read_from_the_content() -> None:
    assert [media_type(content[:16]) for content in KINDS.values()] == [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
    ]
    assert media_type(b"") is None
    assert media_type(b"RIFF\x10\0\0\0WAVEfmt ") is None


async def test_a_market_shows_the_images_and_they_stand_on_the_ledger_once_a_conversation(tmp_path: Path) -> None:
    store = MemoryStore(clock=FakeClock())
    shown = task(folder_of(tmp_path), *KINDS, "a.png")
    with FaultyEndpoint("ok", "tool", "ok") as endpoint:
        model = LiteLLMModel("openai/test", api_base=endpoint.url, api_key="none", price=PRICE)
        agent = LLMAgent("a", model, tools=[], images=True)
        market = Market([agent], store=store, attempts=1)
        result = await market.run(shown.model_copy(update={"workspace": None, "images": _absolute(tmp_path)}))
        assert result.output == "hello"
        assert endpoint.count == 3
    sent = [item.event for item in store.events() if isinstance(item.event, Reserved)]
    assert [sum(len(message.images) for message in event.request.messages) for event in sent] == [5, 5, 0]
    assert sent[2].follows == 2


def _absolute(folder: Path) -> tuple[str, ...]:
    return (*(str(folder / name) for name in KINDS), str(folder / "a.png"))
