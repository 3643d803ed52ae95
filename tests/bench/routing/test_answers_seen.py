"""What a router is shown of answers, in the log and while it asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agora.bench.routing.asking import asked
from agora.coordinator.routers.own.router import Own, OwnOptions
from agora.coordinator.routers.seam import Arms, Move, Query, Seen
from bench.routing.stages import by_hand, stage_of


class Listener(Own):
    """Asks everybody, and keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__(OwnOptions())
        self.heard: list[str | None] = []

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        """The next one that was not asked."""
        if len(seen) < len(arms):
            return Move(ask=len(seen))
        self.heard += [one.answer for one in seen]
        return Move(hand_in=0)


def test_equal_answers_look_equal_in_the_log_and_while_it_is_asked() -> None:
    matrix = by_hand([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], [[0.1, 0.2, 0.3]] * 2)
    answers = np.array([["(B)", "The answer is B.", None], ["[f(x=1)]", "f(x=1.0)", "word " * 50]], dtype=np.object_)
    stage = stage_of(matrix._replace(answers=answers))
    shown = stage.log(stage.plain, np.array([1, 0])).answers
    assert shown is not None
    assert shown.tolist() == [["call:f(x=1)", "call:f(x=1)", None], ["B", "B", None]]
    router = Listener()
    asked(router, stage, stage.plain, np.array([0, 1]), dial=0.0)
    assert router.heard == ["B", "B", None, "call:f(x=1)", "call:f(x=1)", None]


def test_a_log_of_some_models_has_their_answers_only() -> None:
    matrix = by_hand([[1.0, 0.0]], [[0.1, 0.2]])
    stage = stage_of(matrix._replace(answers=np.array([["A", "B"]], dtype=np.object_)))
    some = stage.log(stage.plain, np.array([0]), among=(Arms(["b"]), np.array([1])))
    assert some.answers is not None
    assert some.answers.tolist() == [["B"]]


def test_nothing_recorded_is_no_answers() -> None:
    stage = stage_of(by_hand([[1.0, 0.0]], [[0.1, 0.2]]))
    assert stage.answers is None
    assert stage.log(stage.plain, np.array([0])).answers is None
