"""The JSON of `agora report`: the figures as they are, dollars in exact digits."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from agora.cli.forms import Form, plain

if TYPE_CHECKING:
    from agora.traces.many.figures import Figures
    from agora.values import JsonValue


def report_form(figures: Figures) -> Form:
    """All figures; each field is told in `agora/traces/many/figures.py`."""
    return cast("Form", _told(figures.model_dump()))


def _told(value: Any) -> JsonValue:  # noqa: ANN401 - whatever a model holds
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {str(key): _told(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in cast("list[Any]", value)]
    return cast("JsonValue", value)
