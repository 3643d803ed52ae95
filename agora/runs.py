"""One run: its identity, its ledger, its chance, and what it has on record already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agora.abilities import Learning
from agora.errors import ApprovalPendingError
from agora.events import Asked, Event
from agora.failpoints import reach
from agora.ledger.redact import NOTHING, Redactor
from agora.models.retries import Retries
from agora.past import Past
from agora.protocols import Chance, ChatModel, Clock, Store
from agora.questions import Answer, Approve, Question
from agora.tasks import Patch


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the stages of the loop and all desks of one run share."""

    id: str
    store: Store
    clock: Clock
    chance: Chance
    past: Past = field(default_factory=Past)
    """What is on record from before this process; empty for a run that begins."""
    retries: Retries = field(default_factory=Retries)
    """How often, and after what pause, a model call that failed is tried again."""
    redactor: Redactor = NOTHING
    """Takes secrets out of prompts and of what tools and providers answer."""
    wrap: Callable[[ChatModel, str], ChatModel] | None = None
    """Put around every model before it is called (a recorder, a cache); it is told the id of the call."""
    write: Callable[[str, str], None] | None = None
    """Shown each piece of text that an agent's model writes, as it arrives: the agent, and the piece."""
    approve: Approve | None = None
    """Asked before a command, a diff, an award or a step of a workflow; None: commands and awards go ahead, diffs are
    only handed back, and a step waits."""
    learner: Learning | None = None
    """The policy, where it learns: it takes in what goes on the ledger, in that order."""
    waiting: list[Question] = field(default_factory=list[Question])
    """Questions that nobody could be asked."""

    def note(self, *events: Event) -> None:
        """Put events on the ledger with the next commit, all or none, unless they are there."""
        fresh = [event for event in events if event not in self.past]
        for event in fresh:
            reach(event.kind)
            self._learn(event)
        if fresh:
            self.store.note(self.id, *fresh)

    async def record(self, *events: Event) -> None:
        """Put events on the ledger, unless they are there; return when they are durable."""
        fresh = [event for event in events if event not in self.past]
        if not fresh:
            return
        for event in fresh:
            reach(event.kind)
            self._learn(event)
        await self.store.record(self.id, *fresh)
        reach(f"{fresh[-1].kind}.durable")

    def _learn(self, event: Event) -> None:
        if self.learner is not None and event.kind in self.learner.kinds:
            self.learner.learn(self.id, event)

    async def granted(self, question: Question) -> bool:
        """Whether something may happen: what a person said is on record, and is asked once.

        Raises:
            ApprovalPendingError: Nobody can be asked now; the question waits on the ledger.
        """
        if (said := self.past.answer(question)) is not None:
            return said
        if self.approve is None and question.about != "step":
            self._nobody_to_ask(question)
            return question.about != "diff"
        answer = await self.approve(question) if self.approve else Answer(None)
        granted, asked = answer if isinstance(answer, Answer) else (answer, True)
        waits = self.past.find(Asked, question.task, question.id)
        if granted is not None and not asked and waits is None and question.about != "step":
            return granted  # a step is the workflow's own question: what was said to it is on record, whoever said it
        on_record = question.model_copy(update={"patch": Patch()})
        event = Asked(task=question.task, question=on_record, digest=question.digest, granted=granted)
        if waits is None or granted is not None or waits.digest != event.digest:
            await self.record(event)
        if granted is None:
            self.waiting.append(question)
            raise ApprovalPendingError(self.id, [question.id])
        return granted

    def _nobody_to_ask(self, question: Question) -> None:
        """A question that waits on record is not settled by having nobody to ask."""
        waits = self.past.find(Asked, question.task, question.id)
        if waits is not None and waits.granted is None:
            self.waiting.append(question)
            raise ApprovalPendingError(self.id, [question.id])

    def stop_if_waiting(self, task: str) -> None:
        """Let nobody go on with a task that waits for an answer, whatever they made of the error.

        Raises:
            ApprovalPendingError: It waits.
        """
        if waiting := [question.id for question in self.waiting if question.task == task]:
            raise ApprovalPendingError(self.id, waiting)
