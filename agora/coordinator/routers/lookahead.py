"""Look at what the answers would be like, then choose ("Lookahead Routing for Large Language Models", 2510.19506).

    h(z) = P z            what all models' answers are expected to be like, in a few numbers
    success_m = (scores of m on the k queries nearest in h + prior * theta_m . z) / (their number + prior)

Lookahead trains a language model to predict a latent of each model's answer, and a classifier on all latents together.
That training is not to be had, nor are answers shown to a router: Lookahead-style here. What is on record of an answer,
its score and what it cost (which says how long it was), is regressed on the query for every model; the r main
directions of all these predictions are the latents, so that queries are near each other where the models are expected
to answer them alike. P is made anew from a log, and whenever the outcomes have doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_value, falling, mixed
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.memory import Memory, nearest
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, integer, whole
from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_FIRST = 32


class LookaheadOptions(RouterOptions):
    """What can be set."""

    latents: int = Field(default=8, ge=1, le=256)
    """r."""
    k: int = Field(default=80, ge=1, le=10_000)
    """Neighbours."""
    prior: float = Field(default=20.0, gt=0)
    """How many neighbours the regression counts for."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regressions."""
    explore: float = Field(default=0.2, ge=0, le=1)
    """Share of chance before anything is known; it halves with the first 50 outcomes, and then as 1 / outcomes."""


class Lookahead:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: LookaheadOptions) -> None:
        import numpy as np

        self._options, self._outcomes = options, 0
        self._contexts, self._memory = Tagged(), Memory()
        self._ridges = Ridges(penalty=options.penalty, prior=1.0)  # whom nothing is known of is tried
        self._project: Matrix = np.zeros((0, 0))  # P, (d, r); (0, 0): not yet
        self._latents: Matrix = np.zeros((0, 0))  # of what is remembered, (room, r)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best among queries whose answers are expected to be alike; and now and then anybody."""
        import numpy as np

        z = self._contexts.of(query)
        success, cost = self._ridges.means(z, arms)
        if len(self._project) and len(self._memory):
            away = self._latents[: len(self._memory)] - z @ self._project
            places = nearest(-np.einsum("nr,nr->n", away, away), self._options.k)
            near = self._memory.scores(arms)[places]
            known = np.isfinite(near)
            total = np.where(known, near, 0.0).sum(axis=0)
            success = (total + self._options.prior * success) / (known.sum(axis=0) + self._options.prior)
        return mixed(by_value(success, cost, dial=dial), falling(self._options.explore, self._outcomes), draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Remember it, and one step of the arm's regressions."""
        z = self._contexts.learned(query)
        self._ridges.learn(z, arm, outcome)
        place = self._memory.learn(query, arm, outcome)
        self._outcomes += 1
        if self._outcomes >= _FIRST and self._outcomes & (self._outcomes - 1) == 0:
            self._turn()
        elif len(self._project):
            self._place(place, z)

    def fit(self, log: Log) -> None:
        """Remember all of it, and make the latents."""
        if not log.queries:
            return
        self._outcomes += len(log.queries)
        self._ridges.fit(self._contexts.fitted(log), log)
        self._memory.fit(log)
        self._turn()

    def saved(self) -> JsonValue:
        """What it remembers, the regressions and P."""
        kept: dict[str, JsonValue] = {"contexts": self._contexts.saved(), "memory": self._memory.saved()}
        learned: dict[str, JsonValue] = {"ridges": self._ridges.saved(), "project": packed(self._project)}
        n = len(self._memory) if len(self._project) else 0
        return {**kept, **learned, "latents": packed(self._latents[:n]), "outcomes": self._outcomes}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._memory.restored(part(saved, "memory"))
        self._ridges.restored(part(saved, "ridges"))
        self._project, self._outcomes = array(saved, "project", None, None), integer(saved, "outcomes")
        d, r = self._project.shape
        self._latents = array(saved, "latents", len(self._memory) if d else 0, r)
        fits(d in (0, self._ridges.features), "project")

    def _turn(self) -> None:
        """P and all latents anew."""
        import numpy as np

        arms = Arms(tuple(self._memory.rows.keys))
        theta = self._ridges.theta
        usual = self._ridges.costs.of(arms)[:, None] if len(arms) == len(theta) else np.ones((len(theta), 1))
        both = np.concatenate([theta, self._ridges.cost_theta / np.where(usual > 0, usual, 1.0)])
        _, size, directions = np.linalg.svd(both, full_matrices=False)
        r = self._options.latents
        self._project = np.ascontiguousarray((size[:r, None] * directions[:r]).T)
        self._latents = np.zeros((len(self._memory), self._project.shape[1]))
        for place, (x, tag) in enumerate(zip(self._memory.x, self._memory.tags, strict=True)):
            self._place(place, self._contexts.of(Query(x, tag)))

    def _place(self, place: int, z: Vector) -> None:
        import numpy as np

        if place >= len(self._latents):
            more = np.zeros((max(64, len(self._latents)), self._project.shape[1]))
            self._latents = np.concatenate([self._latents, more])
        self._latents[place] = z @ self._project


policy = routed("lookahead", LookaheadOptions, Lookahead)
"""Neighbours by the answers that are expected."""
