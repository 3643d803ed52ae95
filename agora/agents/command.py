"""A command line as an agent: it bids a fixed plan, and performs by running one command in the sandbox.

Its template is a list of arguments. A field ({goal}, {files}, {workspace}, {usd}) is a whole argument and becomes one
(for files: one each), so nothing in a task is ever read by a shell.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from agora.agents.command_report import RESULT_KEYS, billed, find_report
from agora.agents.prompts import goal_prompt
from agora.bids import Plan, Price, Profile
from agora.errors import AgentError, ConfigError
from agora.protocols import Desk
from agora.records import Ran
from agora.tasks import Strength, Task, Tier, Usage, Work

FIELDS = ("{goal}", "{files}", "{workspace}", "{usd}")
"""What a template may name: the goal, the task's files, the folder it runs in, and the most it may spend."""

_TAIL_CHARS = 2_000


class CommandAgent:
    """Any program that does a task when it is run: a linter, a script, a coding command line.

    A non-zero exit code is a failure. A JSON object on standard output is read for what the command says it spent
    (see `agora.agents.command_report`) and for its "result".

    Args:
        name: Unique within its market.
        command: The template; or a template for each skill, where the task's skill picks one.
        skills: What it can do; empty: the skills of the templates, or anything.
        price: What it charges; `per_task` is its promise, and in dollars also the worst case that is reserved.
        steps: Promised number of steps.
        plan: The plan's text; empty: the command itself and its promises.
        trust: The data labels that it may see.
        strength: How strong it is: small, medium or large; some tasks demand it.
        tier: The sandbox that it runs in. Bare, without a sandbox, has to be asked for.
        timeout_s: Wall-clock limit of the command, in seconds.
        cost_json: Dotted path of the dollars spent, in the JSON object; empty: the usual places.

    Raises:
        ConfigError: There is no command, or an unknown field stands in it.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str] | Mapping[str, Sequence[str]],
        skills: Iterable[str] = (),
        price: Price | None = None,
        steps: int = 1,
        plan: str = "",
        trust: Iterable[str] = (),
        strength: Strength = "",
        tier: Tier = Tier.NAMESPACE,
        timeout_s: float = 600.0,
        cost_json: str = "",
    ) -> None:
        templates = command if isinstance(command, Mapping) else {"": command}
        self._templates = {skill: _checked(name, template) for skill, template in templates.items()}
        if not self._templates:
            raise ConfigError(f"agent {name!r}", 'has no command: write command = ["program", "{goal}"]')
        self._steps, self._plan, self._timeout_s, self._cost_json = steps, plan, timeout_s, cost_json
        self._price = price
        known = frozenset(skill for skill in self._templates if skill)
        self._profile = Profile(
            name=name,
            operator="command/" + next(iter(self._templates.values()))[0],
            kind="command",
            digest=hashlib.sha256(repr(sorted(self._templates.items())).encode()).hexdigest(),
            skills=frozenset(skills) or known,
            price=price,
            trust=frozenset(trust),
            strength=strength,
            tier=tier,
        )

    @property
    def profile(self) -> Profile:
        """Its card."""
        return self._profile

    async def bid(self, desk: Desk) -> Plan | None:
        """The fixed plan; None where no template is for the task's skill, or the goal reads like an option."""
        template = self._template(desk.task)
        if template is None or ("{goal}" in template and desk.task.goal.startswith("-")):
            return None
        seconds = self._price.per_task if self._price and self._price.unit == "s" else None
        promise = f" ({self._steps} step{'s' if self._steps > 1 else ''}" + (f", {seconds} s)" if seconds else ")")
        text = self._plan or f"run: {shlex.join(self._argv(template, desk))}"
        reports = self._reports()
        return Plan(text=text + promise, steps=self._steps, tokens=None if reports else 0)

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Run the command once.

        Raises:
            AgentError: It ended with another exit code than 0, said that it failed, or reported a senseless cost.
        """
        name = self._profile.name
        template = self._template(desk.task)
        if template is None:
            raise AgentError(name, f"has no command for the skill {desk.task.skill!r}")
        argv = self._argv(template, desk)
        worst_usd = self._price.per_task if self._price and self._price.unit == "usd" else Usage().usd
        bill = partial(billed, agent=name, worst_usd=worst_usd, cost_json=self._cost_json)
        ran = await desk.run(
            argv, timeout_s=self._timeout_s, worst_usd=worst_usd, bill=bill if self._reports() else None
        )
        return Work(output=self._output(ran))

    def _reports(self) -> bool:
        """Whether its word on its own spend is asked for at all."""
        return bool(self._cost_json) or (self._price is not None and self._price.unit == "usd")

    def _template(self, task: Task) -> tuple[str, ...] | None:
        return self._templates.get(task.skill) or self._templates.get("")

    def _argv(self, template: Sequence[str], desk: Desk) -> list[str]:
        argv: list[str] = []
        for item in template:
            if item == "{files}":
                # a file called "-x" must not become an option
                argv += [f"./{file}" if file.startswith("-") else file for file in desk.task.files]
            elif item == "{goal}":
                argv.append(goal_prompt(desk.task.goal, evidence=desk.evidence))
            elif item == "{workspace}":
                argv.append(".")  # commands start in the copy
            elif item == "{usd}":
                argv.append(str(self._price.per_task if self._price else 0))
            else:
                argv.append(item)
        return argv

    def _output(self, ran: Ran) -> str:
        name = self._profile.name
        if ran.exit_code != 0:
            tail = (ran.stderr.strip() or ran.stdout.strip())[-_TAIL_CHARS:]
            why = f"hit its {ran.limit} limit" if ran.limit else f"ended with exit code {ran.exit_code}"
            raise AgentError(name, f"its command {why}: {tail}")
        report = find_report(ran.stdout)
        if report.get("is_error") is True:
            raise AgentError(name, f"its command says that it failed: {str(report.get('result', ''))[-_TAIL_CHARS:]}")
        results = (report[key] for key in RESULT_KEYS if isinstance(report.get(key), str))
        return str(next(results, ran.stdout.strip()))


def _checked(name: str, template: Sequence[str]) -> tuple[str, ...]:
    if isinstance(template, str) or not template:
        raise ConfigError(f"agent {name!r}", 'its command must be a list of words, as ["ruff", "check", "{files}"]')
    for item in template:
        if item not in FIELDS and any(field in item for field in FIELDS):
            raise ConfigError(f"agent {name!r}", f"in {item!r} a field is part of a word; fields are whole words")
        if item.startswith("{") and item.endswith("}") and item[1:-1].isidentifier() and item not in FIELDS:
            raise ConfigError(f"agent {name!r}", f"unknown field {item!r} in its command; known: {', '.join(FIELDS)}")
    return tuple(template)
