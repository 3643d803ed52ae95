"""The agent that most pools are made of: a chat model, instructions and tools.

It bids with a written plan and performs in a tool loop that follows the plan. Every call goes through the desk, so
the limits hold whatever the model does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from agora.abilities import Informed, MayBeDown, Seeing
from agora.agents import prompts
from agora.agents.context_rule import ContextRule, rule_of
from agora.agents.images import read_images
from agora.agents.keeping import Line, next_reply
from agora.agents.steps.pair import Pair
from agora.agents.steps.seam import StepPolicy
from agora.agents.steps.turns import Turns
from agora.agents.talk import Talk
from agora.bids import Lesson, Plan, Price, Profile
from agora.errors import AgentError, BudgetError
from agora.messages import Dropped, Message, Reply, Request, ToolCall
from agora.protocols import ChatModel, Desk, Tool
from agora.records import ToolResult
from agora.tasks import Limits, Strength, Tier, Work
from agora.values import JsonValue

if TYPE_CHECKING:
    from pydantic import BaseModel

BID_TEMPERATURE = 0.7
"""One temperature for all bidders, so that entropy compares plans and not samplers."""

BID_MAX_TOKENS = 400
BID_TOP_LOGPROBS = 5
MARK_BASE_TOKENS = 200
"""Room for what some models write around their marks."""

MARK_TOKENS = 16
"""Room for one mark."""

_STEP = re.compile(r"(?:\d{1,4}[.)]|[-*])\s+\S")
_CHANCE = re.compile(r"CHANCE[ *_]*:[ *_]*(\d{1,3}(?:\.\d{1,9})?) ?%", re.IGNORECASE)
_LINE_CHARS = 80
"""So much of a line is looked at."""


class LLMAgent:
    """A chat model with tools.

    Args:
        name: Unique within its market.
        model: A model name ("openai/gpt-5-mini", "local/smollm2-135m") or any ChatModel.
        instructions: Who it is; goes into the system prompt.
        tools: What it may use. None: the file, search and command tools.
        skills: What it can do; empty: anything.
        price: What it charges; None: the model's list price, and without one it is kept out.
        api_base: Another endpoint for the model.
        trust: The data labels that it may see.
        strength: How strong it is: small, medium or large; some tasks demand it.
        output: A pydantic model that its answer must fit; the answer is then JSON.
        max_tokens: Output cap of each call while performing.
        tier: The sandbox that its commands run in.
        limits: What one bid or one attempt of it may take at most: dollars, tokens, steps, seconds.
        images: Whether its model takes images; None: as the model says. Where not, it is told their names.
        strong: A second model, to which calls of an attempt may go; None: there is none. It stands behind the same
            `api_base` where it is a name.
        steps: Who chooses between the two, by name or as a policy: escalate on trouble where nothing is stated.
        context: How a long attempt manages its context: discard, keep-last-n, summary, look-ahead, or a whole rule.
    """

    def __init__(
        self,
        name: str,
        model: str | ChatModel,
        *,
        instructions: str = prompts.DEFAULT_INSTRUCTIONS,
        tools: Sequence[Tool] | None = None,
        skills: Iterable[str] = (),
        price: Price | None = None,
        api_base: str | None = None,
        trust: Iterable[str] = (),
        strength: Strength = "",
        output: type[BaseModel] | None = None,
        max_tokens: int = 2048,
        tier: Tier = Tier.NAMESPACE,
        limits: Limits | None = None,
        images: bool | None = None,
        strong: str | ChatModel | None = None,
        steps: str | StepPolicy | None = None,
        context: str | ContextRule = "discard",
    ) -> None:
        if isinstance(model, str):
            from agora.models.resolve import resolve_model

            model = resolve_model(model, api_base=api_base, price=price)
        if isinstance(strong, str):
            from agora.models.resolve import resolve_model

            strong = resolve_model(strong, api_base=api_base)
        if tools is None:
            from agora.agents.command_tools import DEFAULT_TOOLS

            tools = DEFAULT_TOOLS
        self._model = model
        self._pair = Pair.of(model, strong, steps)
        self._context = rule_of(context, where=f"agent {name!r}: context")
        told = "\n".join(filter(None, (instructions, self._pair.digest, self._context.digest)))
        self._images = images
        self._instructions = instructions
        self._tools = {tool.spec.name: tool for tool in tools}
        self._output = output
        self._schema = output.model_json_schema() if output else None
        self._max_tokens = max_tokens
        self._profile = Profile(
            name=name,
            operator=f"{api_base or 'default'}/{model.name}",
            kind="llm",
            model=model.name,
            skills=frozenset(skills),
            tools=tuple(self._tools),
            price=self._pair.price(price),
            trust=frozenset(trust),
            strength=strength,
            tier=tier,
            limits=limits or Limits(),
            digest=hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest(),
        )

    @property
    def profile(self) -> Profile:
        """Its card."""
        return self._profile

    def down(self) -> str:
        """Why its model cannot be reached now; empty where it can."""
        return self._model.down() if isinstance(self._model, MayBeDown) else ""

    async def bid(self, desk: Desk) -> Plan:
        """Write a plan; its promised steps are the lines of its list, counted here and not claimed."""
        prompt = prompts.bid_prompt(
            desk.task.goal,
            tools=self._allowed(desk),
            files=desk.files,
            evidence=desk.evidence,
            history=desk.history if isinstance(desk, Informed) else "",
        )
        plan = await self._plan(desk, prompt)
        if plan is None:
            raise AgentError(self._profile.name, "wrote an empty plan")
        return plan

    async def refine(self, desk: Desk, plan: Plan, lessons: Sequence[Lesson]) -> Plan | None:
        """Write the plan once more, asked for as the first one was, so that their entropies compare.

        None: there was nothing to learn from (no call is made), or nothing came of it.
        """
        if not lessons:
            return None
        prompt = prompts.refine_prompt(
            desk.task.goal,
            plan=plan.text,
            lessons=lessons,
            tools=self._allowed(desk),
            files=desk.files,
            evidence=desk.evidence,
        )
        refined = await self._plan(desk, prompt)
        return None if refined is None or refined.text.split() == plan.text.split() else refined

    async def mark(
        self, desk: Desk, plans: Mapping[str, str], *, schema: Mapping[str, JsonValue], complaint: str = ""
    ) -> str:
        """Judge all plans in one call, at temperature 0."""
        prompt = prompts.jury_prompt(desk.task.goal, plans=plans, complaint=complaint)
        request = Request(
            messages=(self._with_images(desk, prompt),),
            output_schema=dict(schema),
            max_tokens=MARK_BASE_TOKENS + MARK_TOKENS * len(plans),
            temperature=0.0,
        )
        return (await desk.ask(self._model, request)).text

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Follow the plan until the model answers without a tool call, or a limit ends the work.

        What was done before a limit still counts: the verifier decides.
        """
        talk, turns = Talk(self._opening(desk, plan)), Turns(self._pair, desk)
        repaired = False
        try:
            while True:  # bounded by the purse: each turn is a step
                reply = await self._ask(desk, talk, turns)
                talk.add(Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls))
                if reply.tool_calls:
                    for call in reply.tool_calls:
                        talk.add(await self._use(desk, call, turns))
                    continue
                error = self._misfit(reply.text)
                if not error:
                    return Work(output=reply.text)
                if repaired:
                    raise AgentError(self._profile.name, f"its answer does not fit the schema: {error}")
                repaired = True
                turns.misfit()
                talk.add(Message(role="user", content=prompts.REPAIR.format(error=error)))
        except BudgetError as stop:
            return Work(output=f"[stopped: {stop}]")

    async def _plan(self, desk: Desk, prompt: str) -> Plan | None:
        """One call for a plan; None: it is empty."""
        reply = await desk.ask(
            self._model,
            Request(
                messages=(self._with_images(desk, prompt),),
                max_tokens=BID_MAX_TOKENS,
                temperature=BID_TEMPERATURE,
                top_logprobs=BID_TOP_LOGPROBS,
            ),
        )
        text, confidence = _split(reply.text)
        steps = sum(bool(_STEP.match(line.lstrip()[:_LINE_CHARS])) for line in text.splitlines())
        return Plan(text=text, steps=max(1, steps), confidence=confidence) if text else None

    def _allowed(self, desk: Desk) -> tuple[str, ...]:
        allowed = desk.task.tools
        return tuple(name for name in self._tools if allowed is None or name in allowed)

    def _opening(self, desk: Desk, plan: Plan) -> list[Message]:
        system = prompts.SYSTEM.format(instructions=self._instructions, plan=plan.text)
        task = prompts.task_prompt(
            desk.task.goal, files=desk.files, examples=desk.task.examples, evidence=desk.evidence
        )
        return [Message(role="system", content=system), self._with_images(desk, task)]

    def _with_images(self, desk: Desk, prompt: str) -> Message:
        """The task's words with its images; a model that takes none is told which there are."""
        names = desk.task.images
        models = self._pair.models
        able = all(isinstance(model, Seeing) and model.takes_images() for model in models)
        sees = able if self._images is None else self._images
        if not names or not sees:
            return Message(role="user", content=prompt + prompts.unseen(names))
        return Message(role="user", content=prompt, images=read_images(desk.task))

    async def _ask(self, desk: Desk, talk: Talk, turns: Turns) -> Reply:
        """Ask for the next message, with the conversation kept within the window as the agent's rule says."""
        turns.begin(self._request(desk, talk.messages, talk.dropped))
        line = Line(
            desk=desk,
            model=lambda: turns.model,
            request=partial(self._request, desk),
            ask=turns.ask,
            use=partial(self._used, desk),
            reads=partial(self._reads, desk),
        )
        return await next_reply(talk, self._context, line)

    def _request(self, desk: Desk, messages: Sequence[Message], dropped: tuple[Dropped, ...]) -> Request:
        return Request(
            messages=tuple(messages),
            tools=tuple(self._tools[name].spec for name in self._allowed(desk)),
            output_schema=self._schema,
            max_tokens=self._max_tokens,
            dropped=dropped,
        )

    async def _use(self, desk: Desk, call: ToolCall, turns: Turns) -> Message:
        used = await self._used(desk, call)
        turns.used(call, ok=used.ok)
        return Message(role="tool", content=used.text, tool_call_id=call.id)

    async def _used(self, desk: Desk, call: ToolCall) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None or call.name not in self._allowed(desk):
            text = f"error: there is no tool {call.name!r}; there are: {', '.join(self._allowed(desk)) or 'none'}"
            return ToolResult(text, ok=False)
        return await desk.use(tool, call)

    def _reads(self, desk: Desk, call: ToolCall) -> bool:
        return call.name in self._allowed(desk) and getattr(self._tools[call.name], "reads", False) is True

    def _misfit(self, text: str) -> str:
        if self._output is None:
            return ""
        try:
            self._output.model_validate_json(text)
        except ValueError as error:
            return str(error).replace("\n", " ")[:500]
        return ""


def _split(reply: str) -> tuple[str, float | None]:
    """The plan without the lines that state a chance to pass, and the last of these; None where there is none."""
    plan: list[str] = []
    stated: float | None = None
    for line in reply.strip().splitlines():
        said = _CHANCE.fullmatch(line[:_LINE_CHARS].strip(" \t*_."))
        if said is None:
            plan.append(line)
        else:
            stated = float(said[1]) / 100
    return "\n".join(plan).strip(), stated if stated is None or stated <= 1 else None
