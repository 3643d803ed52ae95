"""What a command says of its own work: a JSON object on standard output, believed only within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn, cast

from agora.errors import AgentError
from agora.records import Ran
from agora.tasks import Usage

COST_KEYS = ("total_cost_usd", "cost_usd", "usage.total_cost")
"""Where commands usually report dollars."""

RESULT_KEYS = ("result", "response", "output")
"""Where commands usually put their answer."""

ABSURD_USD = Decimal(1_000)
"""No single command is believed to have cost more."""

_ABSURD_TOKENS = 1_000_000_000


def find_report(stdout: str) -> Mapping[str, object]:
    r"""The JSON object that a command printed: all of its output, or the last line that is one; {} without any.

    >>> find_report('working...\n{"result": "done", "cost_usd": 0.25}')["cost_usd"]
    Decimal('0.25')
    """
    for text in (stdout, *reversed(stdout.splitlines())):
        if "{" not in text:
            continue
        try:
            found: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return cast("dict[str, object]", found)  # JSON's keys are texts
    return {}


def billed(ran: Ran, *, agent: str, worst_usd: Decimal, cost_json: str = "") -> Usage:
    """What a command is booked at: the dollars it reports, or its worst case where it reports none.

    Args:
        ran: How it ended.
        agent: Whose command.
        worst_usd: Reserved dollars.
        cost_json: Dotted path of the dollars; empty: the usual places.

    Raises:
        AgentError: The cost is negative, absurd or not a number; the worst case stays booked.
    """
    report = find_report(ran.stdout)
    tokens = [_tokens(report, key) for key in ("usage.input_tokens", "usage.output_tokens")]
    for path in (cost_json,) if cost_json else COST_KEYS:
        found = _at(report, path)
        if found is None:
            continue
        cost = _dollars(found)
        if cost is None:
            raise AgentError(agent, f"reports a cost of {str(found)[:40]!r} in {path!r}; 0 to {ABSURD_USD} is believed")
        return Usage(usd=cost, input_tokens=tokens[0], output_tokens=tokens[1])
    if _constant_in(ran.stdout):
        raise AgentError(agent, "reports NaN or Infinity, which is not JSON, so its cost is not known")
    return Usage(usd=worst_usd, input_tokens=tokens[0], output_tokens=tokens[1])


def _at(report: Mapping[str, object], path: str) -> object:
    here: object = report
    for key in path.split("."):
        here = _table(here).get(key)
    return here


def _table(found: object) -> dict[str, object]:
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _dollars(found: object) -> Decimal | None:
    """An amount that can be believed, else None."""
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        return None
    cost = Decimal(found)
    return cost if 0 <= cost <= ABSURD_USD else None


def _tokens(report: Mapping[str, object], path: str) -> int:
    found = _at(report, path)
    usable = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _ABSURD_TOKENS
    return found if usable and isinstance(found, int) else 0


def _constant_in(stdout: str) -> bool:
    """Whether the last JSON-like line holds a NaN or an infinity."""
    lines = [line for line in stdout.splitlines() if "{" in line]
    try:
        json.loads(lines[-1] if lines else "null", parse_constant=_refuse)
    except _ConstantError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


class _ConstantError(ValueError):
    """NaN or an infinity stood in the JSON."""


def _refuse(constant: str) -> NoReturn:
    raise _ConstantError(constant)
