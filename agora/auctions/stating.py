"""Options as text: what a mechanism was made with, as it stands on record, and from which it is made again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from agora.abilities import Stated
from agora.protocols import Mechanism
from agora.values import JsonValue


def stated(options: Mapping[str, JsonValue]) -> str:
    """Options as one line of JSON, in the order of their names.

    >>> stated({"share": 0.5})
    '{"share":0.5}'
    """
    return json.dumps(dict(options), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def with_scorer(scorer: Mechanism, options: Mapping[str, JsonValue]) -> str:
    """Options with a scorer among them; empty where it does not say its own: then nobody can make it again."""
    if not isinstance(scorer, Stated):
        return ""
    return stated({**options, "scorer": {"mechanism": scorer.name, "options": json.loads(scorer.settings or "{}")}})
