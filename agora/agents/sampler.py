"""An agent for models too small for a tool loop: it draws candidates for one function and keeps one.

Such a model cannot write a free plan. Its bid is a choice under a JSON schema (method, samples, checks, token cap),
and its work is held against that choice: never more samples, checks or tokens than it promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field, ValidationError

from agora.abilities import MayBeDown
from agora.agents import examples_bank, prompts
from agora.agents.llm import BID_TEMPERATURE, BID_TOP_LOGPROBS
from agora.agents.splice import Stub, find_stub, read_candidate, splice
from agora.bids import Plan, Price, Profile
from agora.errors import AgentError, BudgetError, ModelError
from agora.messages import Message, Request
from agora.tasks import Strength, Tier, Work
from agora.values import JsonValue, Value

if TYPE_CHECKING:
    from pathlib import Path

    from agora.protocols import ChatModel, Desk

Method = Literal["greedy", "best_of_n"]

TOKEN_CAPS = (64, 96)
"""Output caps of one sample that a bid may choose from: of the reference answers of HumanEval and MBPP, about three
quarters are shorter than 64 to 75 tokens, and nine tenths shorter than about 110."""
MOST_SAMPLES = 5
MOST_CHECKS = 3
TASK_BYTES = 1_000
"""The most of a function and its examples that is shown; what is beyond is cut, so that every prompt fits."""

_TEMPERATURE = 0.8
_CHECK_S = 10.0
_BID_MAX_TOKENS = 48
_STOP = ("\n```",)
_CHECK = """\
import importlib, sys
sys.path[:0] = [".", "src"]
exec({checks!r}, dict(vars(importlib.import_module({module!r}))))
"""


class Choice(Value):
    """A sampler's bid: on the wire one short text, since a small model writes token by token.

    >>> Choice(method="best_of_n", samples=3, checks=2, token_cap=64).text
    'best_of_n 3 2 64'
    """

    method: Method
    """How samples are drawn."""
    samples: int = Field(ge=1, le=MOST_SAMPLES)
    """How many at most."""
    checks: int = Field(ge=0, le=MOST_CHECKS)
    """Visible examples run against each sample, in one command."""
    token_cap: int = Field(ge=1, le=max(TOKEN_CAPS))
    """Output cap of one sample, in tokens."""

    @property
    def text(self) -> str:
        """The choice as it is offered and chosen."""
        return f"{self.method} {self.samples} {self.checks} {self.token_cap}"

    @property
    def steps(self) -> int:
        """Model calls and commands at most."""
        return self.samples * (2 if self.checks else 1)


class SamplerAgent:
    """Draws one greedy sample, or several until one holds the visible examples.

    Args:
        name: Unique within its market.
        model: A model name ("local/smollm2-135m") or any ChatModel.
        method: "greedy": one sample at temperature 0, unchecked. "best_of_n": up to five, the first greedy, each run
            against visible examples in the sandbox; the first that holds is kept, else the last.
        skills: What it can do; empty: anything.
        price: What it charges; None: the model's list price, and without one it is kept out.
        api_base: Another endpoint for the model.
        trust: The data labels that it may see.
        strength: How strong it is: small, medium or large; some tasks demand it.
        tier: The sandbox that its candidates run in.
        deadline_s: Seconds for each model call.
    """

    def __init__(
        self,
        name: str,
        model: str | ChatModel,
        *,
        method: Method = "greedy",
        skills: Iterable[str] = (),
        price: Price | None = None,
        api_base: str | None = None,
        trust: Iterable[str] = (),
        strength: Strength = "",
        tier: Tier = Tier.NAMESPACE,
        deadline_s: float = 60.0,
    ) -> None:
        if isinstance(model, str):
            from agora.models.resolve import resolve_model

            model = resolve_model(model, api_base=api_base, price=price)
        self._model: ChatModel = model
        self._method: Method = method
        self._deadline_s = deadline_s
        self._profile = Profile(
            name=name,
            operator=f"{api_base or 'default'}/{model.name}",
            kind="sampler",
            model=model.name,
            skills=frozenset(skills),
            price=price or model.price(),
            trust=frozenset(trust),
            strength=strength,
            tier=tier,
        )

    @property
    def profile(self) -> Profile:
        """Its card."""
        return self._profile

    def down(self) -> str:
        """Why its model cannot be reached now; empty where it can."""
        return self._model.down() if isinstance(self._model, MayBeDown) else ""

    def replans(self) -> bool:
        """It plans by the task alone: what failed changes nothing."""
        return False

    async def bid(self, desk: Desk) -> Plan | None:
        """Let the model choose under a schema that holds only what can be delivered.

        None: the task names neither a skill nor a file, and a model this small has nothing to go by.

        Raises:
            AgentError: The choice does not fit the schema.
        """
        if not desk.task.skill and not desk.task.files:
            return None
        offers = choices(self._method, examples=len(desk.task.examples))
        request = Request(
            messages=(Message(role="user", content=prompts.SAMPLER_BID.format(goal=_cut(desk.task.goal, TASK_BYTES))),),
            output_schema=choice_schema(offers),
            max_tokens=_BID_MAX_TOKENS,
            temperature=BID_TEMPERATURE,
            seed=0,
            top_logprobs=BID_TOP_LOGPROBS,
            deadline_s=self._deadline_s,
        )
        choice = self._read((await desk.ask(self._model, request)).text, offers)
        return Plan(
            text=json.dumps({"plan": choice.text}),
            steps=choice.steps,
            tokens=choice.samples * choice.token_cap,
            terms=choice.model_dump(),
        )

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Draw, check and keep candidates for the function that the goal names; else answer in words."""
        choice = self._promised(plan)
        target = _target(desk)
        if target is None:
            return await self._answer(desk, choice)
        path, stub = target
        source = path.read_text(encoding="utf-8")
        checks = desk.task.examples[: choice.checks]
        said = "no sample held a function of that name"
        for index in range(choice.samples):
            try:
                body = await self._draw(desk, stub, choice, index)
                if body is None:
                    continue
                path.write_text(splice(source, stub, body), encoding="utf-8")
                said = f"wrote {stub.name}: sample {index + 1} of {choice.samples}, not checked"
                if checks:
                    held = await self._holds(desk, checks)
                    said = f"wrote {stub.name}: sample {index + 1} of {choice.samples}, {'holds' if held else 'breaks'}"
                    said += f" {len(checks)} examples"
                    if held:
                        break
            except BudgetError as stop:
                said += f" [stopped: {stop}]"
                break
        return Work(output=said)

    def _read(self, text: str, offers: Sequence[Choice]) -> Choice:
        try:
            said: object = json.loads(text)
        except ValueError:
            said = None
        chosen = cast("dict[str, object]", said).get("plan") if isinstance(said, dict) else None
        for offer in offers:
            if offer.text == chosen:
                return offer
        raise AgentError(self._profile.name, f"its bid {text[:80]!r} is none of the plans on offer")

    def _promised(self, plan: Plan) -> Choice:
        try:
            return Choice.model_validate(dict(plan.terms))
        except ValidationError as error:
            raise AgentError(self._profile.name, f"this plan is not one of its own: {dict(plan.terms)}") from error

    def _request(self, messages: tuple[Message, ...], cap: int, index: int) -> Request:
        return Request(
            messages=messages,
            max_tokens=cap,
            temperature=0.0 if index == 0 else _TEMPERATURE,
            seed=index + 1,
            stop=_STOP,
            deadline_s=self._deadline_s,
        )

    async def _draw(self, desk: Desk, stub: Stub, choice: Choice, index: int) -> str | None:
        """One sample's body; None where it is unusable. A failed call is a lost sample, unless there is no other."""
        shown, checks = _fitted(stub.shown, desk.task.examples)
        messages = examples_bank.conversation(shown, checks, mend=not stub.empty)
        try:
            reply = await desk.ask(self._model, self._request(messages, choice.token_cap, index))
        except ModelError:
            if index + 1 == choice.samples and choice.samples == 1:
                raise
            return None
        return read_candidate(reply.text, stub.name)

    async def _holds(self, desk: Desk, checks: Sequence[str]) -> bool:
        module = desk.task.files[0].removesuffix(".py").removeprefix("src/").replace("/", ".")
        script = _CHECK.format(checks="\n".join(checks), module=module)
        ran = await desk.run(["python", "-B", "-c", script], timeout_s=_CHECK_S)
        return ran.exit_code == 0

    async def _answer(self, desk: Desk, choice: Choice) -> Work:
        question = prompts.SAMPLER_ANSWER.format(goal=_cut(desk.task.goal, TASK_BYTES))
        request = self._request((Message(role="user", content=question),), choice.token_cap, 0)
        reply = await desk.ask(self._model, request)
        return Work(output=reply.text.strip())


def choices(method: Method, *, examples: int) -> list[Choice]:
    """The plans that a task and a method allow: only what can be delivered.

    Args:
        method: The agent's method.
        examples: How many visible examples the task has.
    """
    several = method == "best_of_n"
    samples = range(2, MOST_SAMPLES + 1) if several else (1,)
    checks = range(1, min(MOST_CHECKS, examples) + 1) if several and examples else (0,)
    return [
        Choice(method=method, samples=n, checks=k, token_cap=cap) for n in samples for k in checks for cap in TOKEN_CAPS
    ]


def choice_schema(offers: Sequence[Choice]) -> dict[str, JsonValue]:
    """The JSON schema of a bid: one of the plans on offer."""
    plans: list[JsonValue] = [offer.text for offer in offers]
    return {
        "type": "object",
        "properties": {"plan": {"type": "string", "enum": plans}},
        "required": ["plan"],
        "additionalProperties": False,
    }


def _target(desk: Desk) -> tuple[Path, Stub] | None:
    """The file and function that the task is about, where it is about one."""
    task = desk.task
    if desk.workspace is None or not task.files or not task.files[0].endswith(".py"):
        return None
    path = desk.workspace.path(task.files[0])
    if not path.is_file():
        return None
    stub = find_stub(path.read_text(encoding="utf-8", errors="replace"), task.goal)
    return (path, stub) if stub else None


def _fitted(shown: str, checks: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Function and examples, cut to what the bid allowed for; whole examples go first."""
    shown = _cut(shown, TASK_BYTES)
    kept: list[str] = []
    room = TASK_BYTES - len(shown.encode()) - 2
    for check in checks:
        room -= len(check.encode()) + 1
        if room < 0:
            break
        kept.append(check)
    return shown, tuple(kept)


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode("utf-8", "replace")[:limit_bytes].decode("utf-8", "ignore")
