"""The auction in simulation: the market's own rules, in the order of its loop, on simulated bids.

Post or auction (`worth_of`), bids (`seal`), jury (`Panel`, inside SALE), scores (`SALE.clear`), refinement
(`may_refine`, `lessons_for`, `after_refinement`), award (`explore`), attempts (`after_attempt`), records (`standing`).
Nothing of them is written again here; what is simulated are plans, marks, attempts, and what all of it takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from agora.auctions import SALE, after_refinement, lessons_for, may_refine
from agora.auctions.exploration import explore
from agora.auctions.worth import Contender, cap_for, worth_of
from agora.bench.simulation.baselines import lot_of
from agora.bench.simulation.bidders import bidding_cost, judge, planned, posted, reserve_of
from agora.bench.simulation.knowledge import Knowledge
from agora.bench.simulation.work import Bill, Done, perform
from agora.bench.simulation.world import Case, World
from agora.bids import Bid, Clearing, Juror, Reserve, Standing
from agora.values import Value


class Rules(Value):
    """Which of the market's rules are on."""

    memory: bool = True
    """Whether cheaper agents write their plan again, shown remembered plans."""
    dial: float = 0.5
    """SALE's, between value and cost."""
    record: float = Field(default=0.0, ge=0)
    """SALE's weight of the bidder's record; its other weights are a third each."""
    judges: bool = False
    """Whether judges weigh by how far their marks went with outcomes, instead of alike."""
    post: bool = False
    """Whether the price is posted where bids are not expected to pay."""
    told: float = Field(default=1.0, ge=0, le=1)
    """How much of what is not known of an agent's chance its bid is expected to tell, where the price may be posted."""
    explored: float = Field(default=0.0, ge=0, le=1)
    """The share of awards that may go to newcomers."""
    fine: bool = False
    """Whether a task states its kind and bin as its skill, as where users name their work finely; else its kind."""
    learn: bool = True
    """False: the market stays as on its first day."""


class Auction:
    """SALE, by the given rules.

    Args:
        world: What is worked on.
        rules: Which are on.
        loop: Whether there are attempts after the first.
    """

    def __init__(self, world: World, rules: Rules, *, loop: bool) -> None:
        self._world, self._given, self._rules, self._loop = world, world.parameters, rules, loop
        self._names = [agent.name for agent in self._given.agents]
        self._knowledge = Knowledge(self._given, fine=rules.fine)
        self._sale = SALE({"record": rules.record}, dial=rules.dial)
        self._explored = 0

    def do(self, case: Case) -> Done:
        """One task, from its announcement to what is learned from it."""
        bill, everyone = Bill(self._given), list(range(len(self._names)))
        standings = {agent: self._knowledge.standing(agent, case) for agent in everyone}
        asked_for = self._worth(case, everyone, standings) if self._rules.post else everyone
        if len(asked_for) == 1:
            return self._posted(case, asked_for[0], standings, bill)
        bids, clearing, lessons = self._held(case, asked_for, standings, bill)
        order = self._awarded(case, [self._names.index(score.agent) for score in clearing.ranking], bids)
        plans = {agent: bid.length_tokens for agent, bid in bids.items()}
        attempts = perform(self._given, case, order, loop=self._loop, bill=bill, plans=plans, lessons={**lessons})
        if self._rules.learn:
            self._knowledge.learn(case, attempts, bids)
        return Done(attempts[-1].passed, bill, attempts, asked=True, refined=bool(bids[attempts[0].agent].round))

    def _worth(self, case: Case, agents: Sequence[int], standings: dict[int, Standing]) -> list[int]:
        """Who is asked for bids, or the one that the task is offered to, the favourite first."""
        contenders = [
            Contender(
                agent=self._names[agent],
                standing=standings[agent],
                asked=posted(self._given, case.kind, agent).price,
                bidding=bidding_cost(self._given, agent, len(agents)),
            )
            for agent in agents
        ]
        worth = worth_of(
            contenders,
            reserve=reserve_of(self._given, case.kind),
            seed=lot_of(self._world, case),
            signal=self._rules.told,
            cap=cap_for(self._given.kinds[case.kind].token_limit),
        )
        return [self._names.index(name) for name in worth.agents]

    def _posted(self, case: Case, favourite: int, standings: dict[int, Standing], bill: Bill) -> Done:
        """Without bids; after failures it is offered to the next favourite."""
        order, rest = [favourite], [agent for agent in range(len(self._names)) if agent != favourite]
        while self._loop and rest:
            order.append(self._worth(case, rest, standings)[0])
            rest.remove(order[-1])
        attempts = perform(self._given, case, order, loop=self._loop, bill=bill)
        if self._rules.learn:
            self._knowledge.learn(case, attempts, {})
        return Done(attempts[-1].passed, bill, attempts)

    def _held(
        self, case: Case, agents: Sequence[int], standings: dict[int, Standing], bill: Bill
    ) -> tuple[dict[int, Bid], Clearing, dict[int, float]]:
        """The bids that stand at the end, how they were ranked, and the lessons in them."""
        jury = self._knowledge.jurors(agents, case)
        if not self._rules.judges:
            jury = {name: Juror(operator=juror.operator) for name, juror in jury.items()}
        reserve, seed = reserve_of(self._given, case.kind), lot_of(self._world, case)

        def clear(bids: Sequence[Bid]) -> Clearing:
            return self._sale.clear(bids, reserve=reserve, seed=seed, jury=jury)

        fresh = {agent: planned(self._given, case, agent, known=standings[agent]) for agent in agents}
        for agent, bid in fresh.items():
            bill.charge("bids", agent, self._given.bid_tokens + bid.length_tokens)
        bids = judge(self._given, case, fresh, agents, bill=bill, lessons={})
        first = clear(list(bids.values()))
        if not self._rules.memory:
            return bids, first, {}
        refined, lessons = self._refined(case, first, bids, reserve, bill)
        if not refined:
            return bids, first, {}
        after = after_refinement(first, list(bids.values()), list(refined.values()), clear=clear)
        standing_bids = {self._names.index(bid.agent): bid for bid in after.bids}
        return standing_bids, after.clearing, {a: share for a, share in lessons.items() if standing_bids[a].round}

    def _refined(
        self, case: Case, first: Clearing, bids: dict[int, Bid], reserve: Reserve, bill: Bill
    ) -> tuple[dict[int, Bid], dict[int, float]]:
        """Second bids, judged, of those that may and have something to learn from."""
        entries, given = self._knowledge.recall(case), self._given
        refined: dict[int, Bid] = {}
        shares: dict[int, float] = {}
        for agent in (self._names.index(name) for name in may_refine(first, reserve=reserve)):
            shown = lessons_for(entries, agent=self._names[agent], k=given.lessons, seed=lot_of(self._world, case))
            if not shown:
                continue
            shares[agent] = self._knowledge.likeness(shown, case)
            bid = planned(given, case, agent, round=1, lessons=shares[agent], known=bids[agent].standing)
            read = given.bid_tokens + bids[agent].length_tokens + given.lesson_tokens * len(shown)
            bill.charge("refinement", agent, read + bid.length_tokens)
            refined[agent] = bid
        if not refined:
            return {}, {}
        judges = sorted(bids)
        return judge(given, case, refined, judges, bill=bill, lessons=shares), shares

    def _awarded(self, case: Case, order: list[int], bids: dict[int, Bid]) -> list[int]:
        """The ranking, or a newcomer before it."""
        if not self._rules.explored:
            return order
        keys = {bids[agent].content_hash: agent for agent in order}
        found = explore(
            {key: bids[agent].standing for key, agent in keys.items()},
            share=self._rules.explored,
            seed=lot_of(self._world, case),
            explored=self._explored,
        )
        if found.whom is None:
            return order
        self._explored += 1
        whom = keys[found.whom]
        return [whom, *(agent for agent in order if agent != whom)]
