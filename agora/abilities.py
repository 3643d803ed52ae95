"""What a model, an agent or a verifier may be able to do besides: found with `isinstance`, never demanded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from typing_extensions import Protocol, runtime_checkable

from agora.bids import Lesson, Plan
from agora.events import Event, Stepped
from agora.messages import Reply, Request
from agora.protocols import ChatModel, Desk, Policy
from agora.records import Stored
from agora.rules import Rules
from agora.tasks import Outcome, Task, Work
from agora.values import JsonValue


@runtime_checkable
class StreamingModel(Protocol):
    """A chat model that can hand over its answer while it arrives."""

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """Complete, and hand over each piece of text as it arrives; the reply is checked whole as ever.

        Raises:
            ModelError: Nothing usable came back, whatever was handed over before; a cut stream is an error.
        """
        ...


@runtime_checkable
class Sized(Protocol):
    """A chat model that may know how much fits into it."""

    def context_tokens(self) -> int | None:
        """Prompt and answer together, in tokens; None where it is not known."""
        ...


@runtime_checkable
class Seeing(Protocol):
    """A chat model that may take images."""

    def takes_images(self) -> bool:
        """Whether images in a message are looked at; where not, they are not sent."""
        ...


@runtime_checkable
class MayBeDown(Protocol):
    """Something that knows when it cannot be reached, as a model whose provider fails."""

    def down(self) -> str:
        """Why it cannot be called now; empty where it can."""
        ...


@runtime_checkable
class Juried(Protocol):
    """A mechanism whose scores count what a jury says."""

    @property
    def jury(self) -> frozenset[str] | None:
        """The judges' names; None: everyone who can judge; empty: nobody."""
        ...


@runtime_checkable
class Ruled(Protocol):
    """A mechanism that says how its auctions are held."""

    @property
    def rules(self) -> Rules:
        """Second plans, exploration, and when one agent alone is asked."""
        ...


@runtime_checkable
class Stated(Protocol):
    """A mechanism or a policy that says with which options it was made."""

    @property
    def settings(self) -> str:
        """Its options as JSON, those with defaults among them: with its name they make it again."""
        ...


@runtime_checkable
class Learning(Protocol):
    """A policy that learns from what became of its decisions; what it knows belongs to one run and one writer.

    All that it knows follows from the ledger's events in their order: the same events give the same knowledge.
    """

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it learns from."""
        ...

    @property
    def name(self) -> str:
        """The policy's."""
        ...

    @property
    def settings(self) -> str:
        """Its options as text: with others it would learn and decide otherwise."""
        ...

    def fresh(self) -> LearningPolicy:
        """The same policy, knowing nothing."""
        ...

    def learn(self, run: str, event: Event) -> None:
        """Take in the next event; what it has nothing to do with changes nothing."""
        ...

    def saved(self) -> str:
        """All that it knows, as text."""
        ...

    def restored(self, text: str) -> bool:
        """Go on from what `saved` gave; False: another version of it wrote that, and nothing has changed."""
        ...


@runtime_checkable
class Sorting(Protocol):
    """A policy that may want to know of what type a task is before it routes it."""

    @property
    def classifier(self) -> str | ChatModel:
        """Who says it: "words", the policy itself; "embeddings", its examples by meaning; a model, which is asked."""
        ...

    @property
    def examples(self) -> Mapping[str, Sequence[str]]:
        """Type -> texts of that type."""
        ...


@runtime_checkable
class Advised(Protocol):
    """A policy that wants to know whom a model favours for a task before it routes it."""

    @property
    def adviser(self) -> ChatModel | None:
        """Who is asked; None: nobody."""
        ...

    def question(self, goal: str, cards: Sequence[str]) -> str:
        """What it is asked: who of those on the cards, which bear numbers from 1 and no names, should do it."""
        ...

    def advice(self, answer: str, number: int) -> Sequence[float]:
        """How much it favours each of so many, in [0, 1]; empty: nothing usable stands in the answer."""
        ...


class LearningPolicy(Policy, Learning, Protocol):
    """Both."""


@runtime_checkable
class Keeping(Protocol):
    """A store that can keep what a policy knows, so that less of the ledger has to be read; it is never the record."""

    def learned(self, policy: str) -> tuple[int, str] | None:
        """What a policy (its name and settings) was kept to know, and at which position; None: nothing was kept."""
        ...

    def keep_learned(self, policy: str, seq: int, state: str) -> None:
        """Keep what a policy knows at a position, instead of what was kept before, unless that is newer.

        Raises:
            LedgerError: The database refused.
        """
        ...


@runtime_checkable
class RunWatcher(Protocol):
    """Something that watches events and wants to know of which run they are."""

    def recorded(self, run: str, event: Event) -> None:
        """Take an event that was recorded."""
        ...


@runtime_checkable
class Archive(Protocol):
    """A store, or an exported ledger, that gives its entries whole: what can be verified, proven and carried away."""

    def stored(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Stored]:
        """The ledger (of one run, of some kinds of events) in order, from after a sequence number.

        Raises:
            LedgerError: It cannot be read.
        """
        ...


@runtime_checkable
class Rooted(Protocol):
    """An archive that has a part of the Merkle tree over its ledger at hand (`agora.ledger.tree.Tree` reads it)."""

    def size(self) -> int:
        """How many entries the ledger has."""
        ...

    def hashes(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """Neighbouring hashes of the tree: of level 0, 8, 16 or 24, fewer where they end."""
        ...


@runtime_checkable
class JuryMember(Protocol):
    """An agent that can judge the plans of an auction."""

    async def mark(
        self, desk: Desk, plans: Mapping[str, str], *, schema: Mapping[str, JsonValue], complaint: str = ""
    ) -> str:
        """Say from 0 to 5 how likely each plan is to complete `desk.task`; the market reads the answer.

        Args:
            desk: The judge's own.
            plans: Label -> plan, in an order of this judge's own; whose they are is not known.
            schema: What the answer should fit: an object, label -> mark.
            complaint: What was wrong with the answer before; empty at the first asking.
        """
        ...


@runtime_checkable
class Refining(Protocol):
    """An agent that can write its plan again in the light of what won and lost before."""

    async def refine(self, desk: Desk, plan: Plan, lessons: Sequence[Lesson]) -> Plan | None:
        """Write a better plan for `desk.task`; None: the old one is good enough."""
        ...


@runtime_checkable
class Replanning(Protocol):
    """An agent that knows whether it can have another plan."""

    def replans(self) -> bool:
        """Whether it may plan otherwise when it is shown what failed; who cannot is not asked again."""
        ...


@runtime_checkable
class Informed(Protocol):
    """A desk that knows the record of who sits at it."""

    @property
    def history(self) -> str:
        """What the market counted of the agent on tasks of this skill, in words; empty where it has no record."""
        ...


@runtime_checkable
class Stepping(Protocol):
    """A desk that keeps on record which of an agent's two models each call of an attempt goes to."""

    @property
    def step_lessons(self) -> Sequence[Mapping[str, JsonValue]]:
        """What grounded outcomes taught of the choices of who sits here, in the order of the log."""
        ...

    def draw(self, label: str) -> float:
        """A number in [0, 1): the same for one label at one desk, whenever it is asked for."""
        ...

    def step(self, number: int, decide: Callable[[], Stepped], *, instead: bool = False) -> Stepped:
        """A choice as it stands on record, or what is decided now, which is put there.

        Args:
            number: Which call of the attempt it is about, from 1.
            decide: Called where nothing is on record.
            instead: The first choice cannot be paid after all.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """A verifier that asks models, and therefore works at a desk, where each call is reserved, charged and recorded."""

    async def judge(self, task: Task, work: Work, *, desk: Desk) -> Outcome:
        """Look at the work only (never at who did it); an opinion, so that `grounded` is False.

        Args:
            task: What was asked.
            work: What was handed in.
            desk: The judge's own: neither it nor the work names the author.
        """
        ...
