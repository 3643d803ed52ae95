"""Records as a person and a program read them: promised against delivered, stated against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from agora.auctions.agreement import agreement_of
from agora.auctions.calibration import brier_of, calibration_error_of, stated_outcomes
from agora.auctions.standing import RULE, standing
from agora.records import RECENT_PLANS

if TYPE_CHECKING:
    from agora.bids import Standing
    from agora.cli.forms import Form
    from agora.records import AgentRecord


def record_forms(records: Sequence[AgentRecord]) -> list[Form]:
    """Each record with what follows: standing, calibration, bids and calls that fitted, its worth as a judge."""
    return [_form(record, _standing(record, records)) for record in records]


def print_records(records: Sequence[AgentRecord]) -> None:
    """A line for each agent and skill: what it did, what its words were worth, and its marks, where it gave any."""
    from agora.cli.paint import out

    if not records:
        out().print("no records yet: they come from verified tasks")
        return
    _print_work(records)
    _print_words(records)
    if judges := [record for record in records if record.judged_passed or record.judged_failed or _sure(record)]:
        _print_marks(judges)


def _print_work(records: Sequence[AgentRecord]) -> None:
    from agora.cli.paint import grid, number, out, usd

    table = grid("agent", "skill", "share>", "passed>", "at least>", "steps>", "tokens>", "cost>", "seconds>")
    for record in records:
        asked_usd = usd(Decimal(record.promised_usd)) if float(record.promised_usd) else "-"
        asked_s = number(record.promised_seconds) if record.promised_seconds else "-"
        table.add_row(
            *_who(record),
            f"{100 * _standing(record, records).share:.0f}%",
            f"{record.passed}/{record.tried}",
            f"{100 * _standing(record, records).success_low:.0f}%",
            f"{record.promised_steps}/{record.delivered_steps}",
            f"{record.promised_tokens}/{record.delivered_tokens}",
            f"{asked_usd}/{usd(Decimal(record.usd))}",
            f"{asked_s}/{number(record.seconds)}",
        )
    out().print(table)
    sure = f"at least: {100 * RULE.level:.0f}% sure, 0% under {RULE.gate} attempts"
    out().print(f"[quiet]share: of all attempts at the skill; passed/tried; {sure};[/]")
    out().print("[quiet]the rest: promised/delivered, all tasks together[/]")


def _print_words(records: Sequence[AgentRecord]) -> None:
    from agora.cli.paint import grid, out

    table = grid("agent", "skill", "stated>", "came true>", "Brier>", "ECE>", "bids fit>", "calls ran>", title=_TITLE)
    for record in records:
        count = stated_outcomes(record)
        said, kept = _means(record) if count else (None, None)
        table.add_row(
            *_who(record),
            "-" if said is None else f"{100 * said:.0f}%",
            "-" if kept is None else f"{100 * kept:.0f}% of {count}",
            _three(brier_of(record)),
            _three(calibration_error_of(record)),
            f"{record.bids - record.malformed_bids}/{record.bids}" if record.bids else "-",
            f"{record.tool_calls_ok}/{record.tool_calls}" if record.tool_calls else "-",
        )
    out().print()
    out().print(table)
    out().print("[quiet]Brier score and calibration error of the stated chance to pass: 0 is best, 0.25 a coin[/]")


def _print_marks(records: Sequence[AgentRecord]) -> None:
    from agora.cli.paint import grid, out

    table = grid("agent", "skill", "good work>", "bad work>", "agreement>", "entropy>", "surprisal>", title=_MARKS)
    for record in records:
        table.add_row(
            *_who(record),
            f"{record.judged_passed_right}/{record.judged_passed}" if record.judged_passed else "-",
            f"{record.judged_failed_right}/{record.judged_failed}" if record.judged_failed else "-",
            f"{agreement_of(record):.2f}",
            _three(_mean(record.entropies)),
            _three(_mean(record.surprisals)),
        )
    out().print()
    out().print(table)
    out().print(
        "[quiet]as judges: right/marked, of work that passed and that failed; agreement: 0.50 says nothing, 1 always "
        f"right;\nof their last {RECENT_PLANS} plans: mean entropy (0 sure, 1 not at all), mean surprisal in nats[/]"
    )


_TITLE = "what they say"
_MARKS = "how they judge, how sure they are"


def _who(record: AgentRecord) -> tuple[str, str]:
    from agora.cli.paint import safe

    return f"[name]{safe(record.agent)}[/]", safe(record.skill) or "[quiet]any[/]"


def _form(record: AgentRecord, stands: Standing) -> Form:
    said, kept = _means(record) if stated_outcomes(record) else (None, None)
    return {
        **record._asdict(),
        "confidence": [dict(one._asdict()) for one in record.confidence],
        "entropies": list(record.entropies),
        "surprisals": list(record.surprisals),
        "standing": stands.model_dump(mode="json"),
        "stated_outcomes": stated_outcomes(record),
        "mean_stated": said,
        "mean_came_true": kept,
        "brier": brier_of(record),
        "calibration_error": calibration_error_of(record),
        "bids_fit": _share(record.bids - record.malformed_bids, record.bids),
        "calls_ran": _share(record.tool_calls_ok, record.tool_calls),
        "agreement": agreement_of(record),
        "mean_entropy": _mean(record.entropies),
        "mean_surprisal_nats": _mean(record.surprisals),
    }


def _standing(record: AgentRecord, records: Sequence[AgentRecord]) -> Standing:
    return standing(records, operator=record.operator, agent=record.agent, skill=record.skill)


def _means(record: AgentRecord) -> tuple[float, float]:
    count = stated_outcomes(record)
    return sum(one.stated for one in record.confidence) / count, sum(one.passed for one in record.confidence) / count


def _sure(record: AgentRecord) -> bool:
    return bool(record.entropies or record.surprisals)


def _mean(figures: Sequence[float]) -> float | None:
    return sum(figures) / len(figures) if figures else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
