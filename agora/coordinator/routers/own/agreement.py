"""Which models to ask until their answers agree enough, where nobody checks: backward induction over what was seen.

    state s = (tag t, who was asked, who of them agree, what kind of answer each gave)
    stop(s, j) = (times j was right in s + BELIEVED prior(s, j)) / (times s was met + BELIEVED)
    V(s) = max( max_j stop(s, j),  max_k -dial * cost_tk + sum_s' P(s' | s, k) V(s') )        at most DEPTH calls

The prior of `stop` is how often j is right on the tag with that kind of answer, moved in log odds by how much the same
pattern of agreement tells over all tags; P is a share of what was met, shrunk to the share over all tags. Only a few
models are looked at: those that lift the value of a table by tag most over all dials (greedily; the value is
submodular). It needs a log with answers; outcomes of single models later change nothing here, nor do later prices.
Earlier work asks a fixed set and looks at one disagreement (ACAR, arXiv 2602.21231).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.answers import KINDS, kind_of
from agora.coordinator.routers.own.patterns import DEPTH, Patterns, Set, code_of
from agora.coordinator.routers.own.pool import Pool, pool_of
from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, fits, named
from agora.coordinator.routers.seam import Arms, Log, Move, Seen
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places

ENOUGH: Final = 100
"""Queries with everything known about the models that are looked at, from which on it is used."""
_KEPT: Final = 64
_HELD: Final = ("group", "answer", "kind", "right", "credible", "cost")


class Plan(NamedTuple):
    """What to do in each state at one dial."""

    ask: Mapping[Set, Places]
    """The model that is asked next, -1: none, (tags + 1, states)."""
    value: Matrix
    """Expected score less the dial times the cost, before anything is asked, (tags + 1,)."""


class Agreement:
    """Learned from logs with answers."""

    def __init__(self) -> None:
        self._pool: Pool | None = None
        self._patterns: Patterns | None = None
        self._plans: dict[tuple[float, tuple[int, ...]], Plan] = {}

    def fit(self, log: Log) -> None:
        """Take in a whole log; one without answers, or with few queries, changes nothing."""
        pool = pool_of(log)
        if pool is not None and len(pool.right) >= ENOUGH:
            self._take(pool)

    def knows(self, arm: str) -> bool:
        """Whether an arm was in the log."""
        return self._pool is not None and arm in self._pool.fitted

    def value(self, tag: str, arms: Arms, *, dial: float) -> float | None:
        """What a query of a tag is worth when it is worked at like this; None: nothing is known."""
        if self._pool is None or not (present := self._present(arms)):
            return None
        return float(self._plan(dial, tuple(present)).value[self._group(tag)])

    def move(self, tag: str, arms: Arms, seen: Sequence[Seen], *, dial: float) -> Move | None:
        """The next move; None: nothing is known that helps.

        Args:
            tag: Of the query.
            arms: Among whom.
            seen: What was answered so far.
            dial: Reward that one unit of cost takes away.
        """
        if self._pool is None or self._patterns is None or not (present := self._present(arms)):
            return None
        group, place_of = self._group(tag), {place: number for number, place in present.items()}
        met = {place_of.get(one.place, -1): at for at, one in enumerate(seen)}
        if -1 in met:
            return None
        asked = tuple(sorted(met))
        answers = [seen[met[number]].answer for number in asked]
        kinds = [kind_of(answer) for answer in answers]
        states = self._patterns.of(asked)
        state = states.place(code_of(answers, kinds))
        plan = self._plan(dial, tuple(present))
        following = int(plan.ask[asked][group, state]) if state >= 0 and asked in plan.ask else -1
        if following >= 0:
            return Move(ask=present[following])
        if state >= 0:
            return Move(hand_in=met[asked[int(states.stop[group, state].argmax())]])
        credible = [float(self._pool.credible[group, one, kind]) for one, kind in zip(asked, kinds, strict=True)]
        return Move(hand_in=met[asked[credible.index(max(credible))]])

    def saved(self) -> JsonValue:
        """The log, as far as it is looked at; None: there is none."""
        if self._pool is None:
            return None
        held = {name: packed(getattr(self._pool, name).astype(float)) for name in _HELD}
        names = {"arms": self._pool.arms, "fitted": self._pool.fitted, "tags": self._pool.tags}
        return {**{name: list(keys) for name, keys in names.items()}, **held}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        import numpy as np

        if saved is None:
            self._pool, self._patterns = None, None
            self._plans.clear()
            return
        arms, fitted, tags = (tuple(named(saved, name).keys) for name in ("arms", "fitted", "tags"))
        group = array(saved, "group", None)
        answer, kind, right = (array(saved, name, len(group), len(arms)) for name in ("answer", "kind", "right"))
        credible = array(saved, "credible", len(tags) + 1, len(arms), KINDS)
        cost = array(saved, "cost", len(tags) + 1, len(arms))
        for values, most in ((group, len(tags)), (kind, KINDS - 1), (answer, len(arms) - 1)):
            fits(bool(((values >= 0) & (values <= most)).all()), "answers")
        whole = {"group": group.astype(np.intp), "answer": answer.astype(np.intp), "kind": kind.astype(np.intp)}
        self._take(Pool(arms, fitted, tags, right=right, credible=credible, cost=cost, **whole))

    def _take(self, pool: Pool) -> None:
        self._pool, self._patterns = pool, Patterns(pool)
        self._plans.clear()

    def _group(self, tag: str) -> int:
        """The row of a tag; of one that is not known, that of everything."""
        tags = self._pool.tags if self._pool is not None else ()
        return tags.index(tag) if tag in tags else len(tags)

    def _present(self, arms: Arms) -> dict[int, int]:
        """Which of the models are here: number -> position."""
        keys = self._pool.arms if self._pool is not None else ()
        return {number: arms.keys.index(key) for number, key in enumerate(keys) if key in arms.keys}

    def _plan(self, dial: float, present: tuple[int, ...]) -> Plan:
        known = self._plans.get((dial, present))
        if known is None:
            if len(self._plans) >= _KEPT:
                self._plans.clear()
            known = self._plans[dial, present] = self._induced(dial, present)
        return known

    def _induced(self, dial: float, present: tuple[int, ...]) -> Plan:
        """From the last call back to the first."""
        import numpy as np

        assert self._pool is not None
        assert self._patterns is not None
        worth: dict[Set, Matrix] = {}
        ask: dict[Set, Places] = {}
        for size in range(min(DEPTH, len(present)), -1, -1):
            for asked in self._patterns.sets(size, present):
                states = self._patterns.of(asked)
                shape = states.met.shape
                best = states.stop.max(axis=2) if asked else np.full(shape, -np.inf)
                following = np.full(shape, -1, dtype=np.intp)
                for number in present if size < DEPTH else ():
                    if number in asked:
                        continue
                    then = self._patterns.step(asked, number)
                    value = np.add.reduceat(then.share * worth[then.asked][:, then.to], then.first, axis=1)
                    value -= dial * self._pool.cost[:, number, None]
                    better = value > best + 1e-9
                    best, following = np.where(better, value, best), np.where(better, number, following)
                worth[asked] = best
                ask[asked] = following
        return Plan(ask, worth[()][:, 0])
