"""Names to things: the built-in ones by dotted path, then plug-ins by entry point; each is imported when asked for.

A plug-in is an object that fits a Protocol, named in one of the groups `agora.agents`, `agora.tools`,
`agora.policies`, `agora.mechanisms`, `agora.verifiers`, `agora.stores`. A built-in name cannot be taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Final, Literal

from agora.errors import ConfigError, UnknownNameError

Group = Literal["agents", "tools", "policies", "mechanisms", "verifiers", "stores"]
"""What can be plugged in."""

BUILT_IN: Final[Mapping[Group, Mapping[str, str]]] = MappingProxyType(
    {
        "agents": {"search": "agora.agents.search_agent:SearchAgent"},
        "tools": {
            "fetch": "agora.agents.web.fetching:fetch",
            "web_search": "agora.agents.web.searching:web_search",
        },
        "policies": {
            "everyone": "agora.coordinator.screening:Everyone",
            "sale": "agora.coordinator.policies:sale",
            "linucb": "agora.coordinator.policies:linucb",
            "ants": "agora.coordinator.policies:ants",
            "linucb+sale": "agora.coordinator.policies:linucb_sale",
            "ants+sale": "agora.coordinator.policies:ants_sale",
            "auto": "agora.coordinator.policies:auto",
            "agora": "agora.coordinator.routers.own.router:policy",
            "frugalgpt": "agora.coordinator.routers.frugalgpt:policy",
            "automix": "agora.coordinator.routers.automix:policy",
            "avr": "agora.coordinator.routers.avr:policy",
            "acrouter": "agora.coordinator.routers.acrouter:policy",
            "routebalance": "agora.coordinator.routers.routebalance:policy",
            "signals": "agora.coordinator.routers.signals:policy",
            "tryage": "agora.coordinator.routers.tryage:policy",
            "acar": "agora.coordinator.routers.acar:policy",
            "arch": "agora.coordinator.routers.arch:policy",
            "tcar": "agora.coordinator.routers.tcar:policy",
            "router_r1": "agora.coordinator.routers.router_r1:policy",
            "xrouter": "agora.coordinator.routers.xrouter:policy",
            "masrouter": "agora.coordinator.routers.masrouter:policy",
            "knn": "agora.coordinator.routers.knn:policy",
            "greenserv_linucb": "agora.coordinator.routers.greenserv_linucb:policy",
            "greenserv_thompson": "agora.coordinator.routers.greenserv_thompson:policy",
            "greenserv_epsilon": "agora.coordinator.routers.greenserv_epsilon:policy",
            "greenserv_linear_epsilon": "agora.coordinator.routers.greenserv_linear_epsilon:policy",
            "global_linucb": "agora.coordinator.routers.global_linucb:policy",
            "colony": "agora.coordinator.routers.colony:policy",
            "port": "agora.coordinator.routers.port:policy",
            "pilot": "agora.coordinator.routers.pilot:policy",
            "mixllm": "agora.coordinator.routers.mixllm:policy",
            "barp": "agora.coordinator.routers.barp:policy",
            "llm_bandit": "agora.coordinator.routers.llm_bandit:policy",
            "agensflow": "agora.coordinator.routers.agensflow:policy",
            "hierrouter": "agora.coordinator.routers.hierrouter:policy",
            "moma": "agora.coordinator.routers.moma:policy",
            "lookahead": "agora.coordinator.routers.lookahead:policy",
            "static": "agora.coordinator.routers.static:policy",
            "random": "agora.coordinator.routers.random:policy",
            "round_robin": "agora.coordinator.routers.round_robin:policy",
            "tag_table": "agora.coordinator.routers.tag_table:policy",
            "uniroute": "agora.coordinator.routers.uniroute:policy",
            "cscr": "agora.coordinator.routers.cscr:policy",
            "routerdc": "agora.coordinator.routers.routerdc:policy",
            "agentrouter": "agora.coordinator.routers.agentrouter:policy",
            "histories": "agora.coordinator.routers.histories:policy",
            "graphrouter": "agora.coordinator.routers.graphrouter:policy",
            "tagrouter": "agora.coordinator.routers.tagrouter:policy",
            "routellm": "agora.coordinator.routers.routellm:policy",
        },
        "mechanisms": {
            "sale": "agora.auctions.sale:SALE",
            "posted": "agora.auctions.posted_price:PostedPrice",
            "random": "agora.auctions.posted_price:Lottery",
            "first_score": "agora.auctions.score_auctions:FirstScore",
            "second_score": "agora.auctions.score_auctions:SecondScore",
            "vcg": "agora.auctions.vcg:VCG",
            "greedy_critical": "agora.auctions.greedy:GreedyCritical",
            "calibrated": "agora.auctions.confidence_auction:CalibratedConfidence",
            "central": "agora.auctions.central:CentralRouter",
            "always": "agora.auctions.always:Always",
        },
        "verifiers": {},
        "stores": {},
    }
)
"""Group -> name -> "module:object", as strings, since the registry stands below what it names."""

_ONE: Final[Mapping[Group, str]] = MappingProxyType(
    {
        "agents": "agent",
        "tools": "tool",
        "policies": "policy",
        "mechanisms": "mechanism",
        "verifiers": "verifier",
        "stores": "store",
    }
)


def names(group: Group) -> tuple[str, ...]:
    """All names of a group, sorted.

    >>> names("mechanisms")[:2]
    ('always', 'calibrated')
    """
    return tuple(sorted({*BUILT_IN[group], *_plugged(group)}))


def find(group: Group, name: str) -> object:
    """The thing behind a name: a class, a factory or an object, as it was registered.

    Raises:
        UnknownNameError: Nothing has that name; the nearest name is offered.
        ConfigError: What has it cannot be imported.
    """
    path = BUILT_IN[group].get(name) or _plugged(group).get(name)
    if path is None:
        raise UnknownNameError(_ONE[group], name, names(group))
    return load_object(path, where=f"{_ONE[group]} {name!r}")


def load_object(path: str, *, where: str) -> object:
    """Import "module:object" (or "module:object.attribute").

    Args:
        path: What to import.
        where: Who names it, for messages.

    Raises:
        ConfigError: The path is malformed, or its module or object is not there.
    """
    module_name, _, attributes = path.partition(":")
    if not module_name or not attributes:
        raise ConfigError(where, f'{path!r} is not the path of an object: write "module:object"')
    try:
        found: object = import_module(module_name)
    except ImportError as error:
        raise ConfigError(where, f"module {module_name!r} cannot be imported: {error}") from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ConfigError(where, f"module {module_name!r} has no {attributes!r}")
        found = getattr(found, attribute)
    return found


def _plugged(group: Group) -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=f"agora.{group}")}
