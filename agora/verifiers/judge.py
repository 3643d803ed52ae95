"""The judge: models score work against a rubric, where nothing can be run or compared.

An opinion and no measurement: its outcomes are kept apart from grounded ones (`Outcome.grounded` is False). Judges are
fooled by texts without content (arXiv 2507.08794), by praise of itself inside the work, and by their own maker's
models; so such texts score 0 unasked, the author is never shown, the work is quoted behind a mark that it cannot
write, and several judges come from different makers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median_low
from typing import Final, Literal

from pydantic import Field, ValidationError, field_validator

from agora.bids import Price
from agora.errors import BadReplyError, BudgetError, ModelError, ReplyCutError, VerifierError, described
from agora.messages import Message, Request
from agora.protocols import ChatModel, Desk, Sandbox
from agora.tasks import Outcome, Task, Verdict, Work
from agora.values import Value
from agora.verifiers.evidence import clean
from agora.verifiers.judge_prompts import REPAIR, SCHEMA, SYSTEM, fence_of, quoted
from agora.verifiers.master_keys import says_nothing

MOST_SCORE: Final = 5
"""The best score."""
MOST_JUDGED_CHARS: Final = 60_000
"""Longer work fails unread: what a judge cannot see whole, it cannot pass."""
DEFAULT_RUBRIC: Final = "The work does what the task asks: completely, correctly, and without anything made up."

_REASON_CHARS: Final = 600
_ROUTES: Final = frozenset({"openrouter", "together_ai", "groq", "fireworks_ai", "bedrock", "vertex_ai", "ollama"})
_FAMILIES: Final = (
    ("anthropic", r"claude"),
    ("openai", r"gpt|chatgpt|o[1-9]\b|davinci"),
    ("google", r"gemini|gemma|palm"),
    ("meta", r"llama|meta-"),
    ("mistral", r"mistral|mixtral|ministral|magistral|devstral|codestral|pixtral"),
    ("alibaba", r"qwen|qwq"),
    ("deepseek", r"deepseek"),
    ("xai", r"grok"),
    ("microsoft", r"phi-?\d"),
    ("cohere", r"command|aya"),
    ("moonshot", r"kimi|moonshot"),
    ("zhipu", r"glm"),
    ("huggingface", r"smollm"),
)


def maker_of(model: str) -> str:
    """Who made a model, whatever endpoint serves it; for an unknown family, what its name begins with.

    >>> maker_of("openrouter/anthropic/claude-sonnet-4"), maker_of("openai/gpt-5-mini"), maker_of("ollama/llama3.2")
    ('anthropic', 'openai', 'meta')
    """
    name = model.casefold().rsplit("/", 1)[-1]
    for maker, pattern in _FAMILIES:
        if re.match(pattern, name):
            return maker
    parts = [part for part in model.casefold().split("/")[:-1] if part not in _ROUTES]
    return parts[-1] if parts and parts != ["openai"] else re.split(r"[^a-z]", name, maxsplit=1)[0] or name


class JudgeOptions(Value):
    """Options of `kind = "judge"`."""

    model: str | tuple[str, ...]
    """The judging model, or up to three by different makers."""
    rubric: str = Field(default=DEFAULT_RUBRIC, min_length=1, max_length=20_000)
    """What counts, in words."""
    pass_mark: int = Field(default=4, ge=1, le=MOST_SCORE)
    """The least score that passes, of 5."""
    agree: Literal["unanimous", "median"] = "unanimous"
    """How several judges decide: all must pass it (for what decides about money), or the median must; of two, the
    lower one."""
    max_tokens: int = Field(default=400, ge=64, le=16_384)
    """Output cap of one answer; models that think before they write need more."""
    timeout_s: float = Field(default=120.0, gt=0, le=3_600)
    """Seconds for one answer."""
    api_base: str | None = None
    """An OpenAI-compatible endpoint for the models; None: each provider's own."""
    price: Price | None = None
    """What they cost, where no list says so."""

    @field_validator("model")
    @classmethod
    def _one_to_three_makers(cls, model: str | tuple[str, ...]) -> str | tuple[str, ...]:
        names = (model,) if isinstance(model, str) else model
        if not 1 <= len(names) <= 3 or not all(name.strip() for name in names):
            raise ValueError("names no judge, or more than three: write one model, or up to three in a list")
        makers = [maker_of(name) for name in names]
        twice = next((maker for maker in makers if makers.count(maker) > 1), None)
        if twice is not None:
            raise ValueError(f"has two judges by {twice!r}, which err alike: take models of different makers")
        return model

    @property
    def models(self) -> tuple[str, ...]:
        """The judges' names, in the order in which they are asked."""
        return (self.model,) if isinstance(self.model, str) else self.model


class Judgement(Value):
    """What one judge says."""

    reason: str
    """Why, in a sentence or two."""
    score: int = Field(strict=True, ge=0, le=MOST_SCORE)
    """0 to 5."""


class JudgeVerifier:
    """Passes where the judges' score reaches the pass mark; what they cannot decide is unknown.

    Args:
        options: Who judges, and by what.
        models: The judges themselves; None resolves the names of the options.

    Raises:
        UnknownNameError: There is no such model.
        MissingKeyError: A judge's key is not set.
    """

    Options = JudgeOptions

    def __init__(self, options: JudgeOptions, *, models: Sequence[ChatModel] | None = None) -> None:
        if models is None:
            from agora.models.resolve import resolve_model  # only tasks with a judge need it

            models = [resolve_model(name, api_base=options.api_base, price=options.price) for name in options.models]
        self._options, self._models = options, tuple(models)

    @property
    def name(self) -> str:
        """Its kind."""
        return "judge"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Decide what needs no model.

        Raises:
            VerifierError: The work has content, and there is no desk here to ask a model at.
        """
        worthless = _worthless(task, work)
        if worthless:
            return self._outcome(Verdict.FAILED, f"score 0 of {MOST_SCORE}: {worthless}")
        raise VerifierError("a judge asks models, which only a market pays for: run the task in a market")

    async def judge(self, task: Task, work: Work, *, desk: Desk) -> Outcome:
        """Ask the judges in turn, until the rest cannot change what comes of it."""
        worthless = _worthless(task, work)
        if worthless:
            return self._outcome(Verdict.FAILED, f"score 0 of {MOST_SCORE}: {worthless}")
        opening = _opening(task, work, self._options)
        scores: list[int | None] = []
        lines: list[str] = []
        seconds = 0.0
        for place, model in enumerate(self._models, start=1):
            said, why, took_s = await self._ask(model, opening, desk)
            seconds += took_s
            scores.append(said.score if said else None)
            who = f"judge {place} of {len(self._models)}: " if len(self._models) > 1 else ""
            if said is None:
                lines.append(f"{who}no score: {why}")
            else:
                reason = clean(" ".join(said.reason.split())[: 2 * _REASON_CHARS], most=_REASON_CHARS)
                lines.append(f"{who}score {said.score} of {MOST_SCORE}, {self._options.pass_mark} passes: {reason}")
            if self._decided(scores, len(self._models) - place) is not Verdict.UNKNOWN:
                break
        return self._outcome(self._decided(scores, len(self._models) - len(scores)), "\n".join(lines), seconds=seconds)

    def _decided(self, scores: Sequence[int | None], to_come: int) -> Verdict:
        """What holds whatever those who gave no score, or were not asked yet, would say."""
        known = [score for score in scores if score is not None]
        unknown = to_come + len(scores) - len(known)
        combined = min if self._options.agree == "unanimous" else median_low
        if combined([*known, *[0] * unknown]) >= self._options.pass_mark:
            return Verdict.PASSED
        if combined([*known, *[MOST_SCORE] * unknown]) < self._options.pass_mark:
            return Verdict.FAILED
        return Verdict.UNKNOWN

    async def _ask(
        self, model: ChatModel, opening: tuple[Message, ...], desk: Desk
    ) -> tuple[Judgement | None, str, float]:
        """One judge's score, with one repair; else why there is none. And the seconds that it took."""
        messages, why, seconds = opening, "", 0.0
        for _ in range(2):
            request = Request(
                messages=messages,
                output_schema=SCHEMA,
                max_tokens=self._options.max_tokens,
                deadline_s=self._options.timeout_s,
            )
            try:
                reply = await desk.ask(model, request)
            except (BadReplyError, ReplyCutError) as error:
                why = described(error)
                continue
            except (ModelError, BudgetError) as error:
                return None, described(error), seconds
            seconds += reply.usage.seconds
            said, why = _read(reply.text)
            if said is not None:
                return said, "", seconds
            again = Message(role="user", content=REPAIR.format(error=why))
            messages = (*opening, Message(role="assistant", content=reply.text), again)
        return None, why, seconds

    def _outcome(self, verdict: Verdict, evidence: str, *, seconds: float = 0.0) -> Outcome:
        return Outcome(
            verdict=verdict, verifier=self.name, grounded=False, evidence=clean(evidence), seconds=max(0.0, seconds)
        )


def _worthless(task: Task, work: Work) -> str:
    """Why work scores 0 without being read by a model; empty where it does not."""
    length = len(work.output) + len(work.patch.text)
    if length > MOST_JUDGED_CHARS:
        return f"the work has {length} characters; {MOST_JUDGED_CHARS} is the most that is judged"
    return "" if work.patch.changes else says_nothing(work.output, goal=task.goal)


def _opening(task: Task, work: Work, options: JudgeOptions) -> tuple[Message, ...]:
    """The conversation's beginning: instructions, and the material behind a mark of its own."""
    output = "" if says_nothing(work.output, goal=task.goal) else clean(work.output, most=MOST_JUDGED_CHARS)
    diff = clean(work.patch.text, most=MOST_JUDGED_CHARS)
    fence = fence_of((task.goal, options.rubric, output, diff))
    material = quoted(goal=task.goal, rubric=options.rubric, output=output, diff=diff, fence=fence)
    return Message(role="system", content=SYSTEM.format(fence=fence)), Message(role="user", content=material)


def _read(text: str) -> tuple[Judgement | None, str]:
    """A judge's answer, or what is wrong with it."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        body = body[body.index("\n") : -3].strip()
    try:
        return Judgement.model_validate_json(body), ""
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        return None, clean(f"{place}: {fault['msg']}" if place else fault["msg"], most=200)
