"""The policies that learn: each is a way to rank those who may do a task, and who of them is asked.

linucb   ants        the first in rank gets the task; the others, one after another, if it fails
linucb+sale   ants+sale   those who may still be the best bid for it; the others if all of them fail
auto                 which of these, and of an auction among all, does best on a class of tasks is learned, too
"""

from __future__ import annotations

from agora.coordinator.policies.coordinated import Coordinated
from agora.coordinator.policies.named import ants, ants_sale, auto, linucb, linucb_sale, sale

__all__ = ["Coordinated", "ants", "ants_sale", "auto", "linucb", "linucb_sale", "sale"]
