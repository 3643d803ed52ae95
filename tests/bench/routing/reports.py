"""Made-up reports of a bench of routers: every kind of entry, figures that are told apart, names that are hostile."""

from __future__ import annotations

from agora.bench.routing.results import Entry, Point, Report, Span

MONEY = (0.00034, 0.001, 0.0016, 0.003, 0.0038)
HOSTILE = "<b>[red]x\x1b[31m"


def spot(
    setting: str,
    score: float,
    usd: float,
    *,
    dial: float = 0.0,
    gain: float | None = None,
    money: float | None = None,
) -> Point:
    """A point; its gain has an interval of 2 points to each side."""
    span = None if gain is None else Span(value=gain, low=gain - 0.02, high=gain + 0.02)
    return Point(
        setting=setting,
        money_usd=money,
        dial=dial,
        score=score,
        usd=usd,
        usd_per_solved=usd / score if score else None,
        dearest_share=0.4,
        gain=span,
    )


def entry(
    policy: str, *, better: float, gain: float | None = 0.0, kind: str = "policy", protocol: str = "full"
) -> Entry:
    """A frontier that rises with money; `better` is added to all of its scores."""
    dials = (64.0, 8.0, 0.0)
    grid = [
        spot(f"lambda {dial:g}", 0.6 + better + 0.1 * at, 0.0005 * 2**at, dial=dial) for at, dial in enumerate(dials)
    ]
    within = [
        spot(_within(most), 0.6 + better + 0.04 * at, most * 0.95, dial=9.0 - at, gain=gain, money=most)
        for at, most in enumerate(MONEY)
    ]
    return Entry(
        policy=policy,
        kind=kind,
        protocol=protocol,
        points=(*grid, *within),
        area=better,
        gap_captured=0.1 + better,
        us_a_decision=21.0,
        fit_s=0.123,
    )


def _within(most: float) -> str:
    return f"at most ${most:.5f} on the fitting part"


def stream(policy: str, regret: float, *, protocol: str = "cold", kind: str = "policy") -> Entry:
    """What a stream gives."""
    return Entry(
        policy=policy,
        kind=kind,
        protocol=protocol,
        points=(spot("lambda 25", 0.7, 0.001, dial=25.0),),
        regret=Span(value=regret, low=regret - 3, high=regret + 3),
        regret_best_single=Span(value=regret / 2, low=regret / 2 - 2, high=regret / 2 + 2),
        us_a_decision=30.0,
        us_to_learn=12.0,
        figures={"regret after 100": regret / 3},
    )


def single(score: float = 0.84, usd: float = 0.005) -> Entry:
    """The best single model."""
    return Entry(policy="best single", kind="baseline", points=(spot("lambda 0", score, usd),))


def report(*entries: Entry, money: tuple[float, ...] = MONEY, conclusion: str = "", source: str = "made") -> Report:
    """Entries as a report."""
    return Report(
        source=source,
        queries=1882,
        models=11,
        seeds=20,
        dial=25.0,
        money=money,
        features="svd",
        entries=entries,
        ceiling=Span(value=0.976, low=0.968, high=0.982),
        oddities=("3 rows without a score, taken as holes (first: line 7)",),
        conclusion=conclusion,
    )


def whole() -> Report:
    """All kinds of entries, two policies, everything that stands beside."""
    beside = [
        single(),
        Entry(policy="cheapest", kind="baseline", points=(spot("lambda 0", 0.58, 0.00008),)),
        entry("tag_table", better=0.0, gain=None, kind="baseline"),
        entry("knn", better=0.01, gain=0.01, kind="baseline"),
    ]
    policies = [entry("uniroute", better=0.02, gain=0.03), entry(HOSTILE, better=-0.1, gain=-0.1)]
    bound = Entry(policy="oracle", kind="bound", points=(spot("lambda 0", 0.97, 0.0002),))
    checks = [entry("uniroute", better=0.1, protocol=f"check {right}") for right in ("1", ".9", ".8")]
    names = ("tag_table", "uniroute", HOSTILE)
    streams = [
        stream(name, 40.0 + 5 * at, protocol=protocol)
        for protocol in ("cold", "warm", "drift price", "drift death")
        for at, name in enumerate(names)
    ]
    figures = {"share of the budget spent": 0.98, "refused": 3.0, "seconds in the queue": 0.25, "late": 0.01}
    others = [
        Entry(policy="uniroute", protocol=protocol, points=(spot("lambda 25", 0.8, 0.001),), figures=figures)
        for protocol in ("budget", "arrivals")
    ]
    noted = Entry(policy="colony", protocol="full", note=f"needs a log: {HOSTILE}")
    return report(*beside, *policies, bound, noted, *checks, *streams, *others)
