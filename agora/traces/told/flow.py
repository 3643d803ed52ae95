"""What a run tells of the workflow that it follows, from its events alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from agora.events import (
    Asked,
    Compared,
    ContextRouted,
    Event,
    FlowBegan,
    FlowEnded,
    NodeSkipped,
    PlanningBegan,
    PlanningEnded,
    TopologyChosen,
)


@dataclass(kw_only=True)
class FlowTold:
    """The part of a run's story that is about its workflow; empty where it follows none."""

    planning: PlanningBegan | None = None
    """The goal that is planned, where one is."""
    planned: PlanningEnded | None = None
    """What came of planning."""
    flow: FlowBegan | None = None
    """The workflow that it follows, where it follows one."""
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    """Node -> why it was passed over."""
    steps: dict[str, Asked] = field(default_factory=dict[str, Asked])
    """Node -> what a person was asked before the workflow goes on."""
    topologies: dict[str, TopologyChosen] = field(default_factory=dict[str, TopologyChosen])
    """Workflow (it, or one that it uses) -> in which topology it runs, and why."""
    compared: dict[str, Compared] = field(default_factory=dict[str, Compared])
    """Node -> how far the outputs agree that it compares."""
    routed: dict[str, ContextRouted] = field(default_factory=dict[str, ContextRouted])
    """Node -> what it was shown of what came before it."""
    flow_ended: FlowEnded | None = None
    """What came of the workflow."""

    def told_of_flow(self, event: Event) -> bool:
        """Take in the next event; whether it is about the workflow."""
        match event:
            case PlanningBegan():
                self.planning = event
            case PlanningEnded():
                self.planned = event
            case FlowBegan():
                self.flow = event
            case FlowEnded():
                self.flow_ended = event
            case NodeSkipped():
                self.skipped[event.task] = event.reason
            case TopologyChosen():
                self.topologies[event.task] = event
            case Compared():
                self.compared[event.task] = event
            case ContextRouted():
                self.routed[event.task] = event
            case Asked(question=question) if question.about == "step":
                self.steps[event.task] = event
            case _:
                return False
        return True
