"""A table: the mean score and the mean cost of each arm on queries of this tag.

    index_m = success_gm - dial * cost_gm            g: the tag, formulas in `cells`

The simplest thing that is told what the task is: what every learned router has to beat. A query without a tag, or with
one that nobody has met, goes by the means over everything.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import by_value, counted
from agora.coordinator.routers.seam import Arms, Choice, Query


class TagTableOptions(RouterOptions):
    """What can be set."""

    shrink: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each tag."""


class TagTable(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: TagTableOptions) -> None:
        super().__init__(options.shrink)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best of the query's tag; nothing is left to chance."""
        return counted(by_value(*self._cells.one(query.tag, arms), dial=dial), self._cells.tried(arms))


policy = routed("tag_table", TagTableOptions, TagTable)
"""What each did on queries of this tag."""
