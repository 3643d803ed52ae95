"""Where untrusted commands run: private copies of a workspace, in a tier that is measured, never assumed."""

from agora.sandbox.applying import apply_patch
from agora.sandbox.bare import BareSandbox
from agora.sandbox.battery import AttackResult, run_battery
from agora.sandbox.bubblewrap import BubblewrapSandbox
from agora.sandbox.limits import RunLimits
from agora.sandbox.nsjail import NsjailSandbox
from agora.sandbox.patches import patch_between, snapshot
from agora.sandbox.probe import BestSandbox, best_sandbox, explain
from agora.sandbox.sweeping import Swept, sweep
from agora.sandbox.tiers import Limitable, refuse_below

__all__ = [
    "AttackResult",
    "BareSandbox",
    "BestSandbox",
    "BubblewrapSandbox",
    "Limitable",
    "NsjailSandbox",
    "RunLimits",
    "Swept",
    "apply_patch",
    "best_sandbox",
    "explain",
    "patch_between",
    "refuse_below",
    "run_battery",
    "snapshot",
    "sweep",
]
