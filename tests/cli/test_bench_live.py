"""`agora bench live`: on functions, on a scripted endpoint that sends bills, and on the local model."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agora.testing.endpoint import FaultyEndpoint, answer, completion
from agora.testing.exchange import Behaviour, Exchange
from cli.projects import CHECK, FIXER, SPOILER, Shell, priced

WORD = 'goal = "mend {name}"\nworkspace = "../repo"\n[verify]\nkind = "command"\ncommand = "{check}"\n'
QUESTION = 'goal = "which word is {name}?"\n[verify]\nkind = "exact"\nanswer = "right"\n'


def tasks(project: Path, **texts: str) -> str:
    """A folder of tasks, each from its TOML text."""
    folder = project / "mine"
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text.format(name=name, check=CHECK))
    return "mine"


def hosted(project: Path, name: str, endpoint: FaultyEndpoint, *, usd_per_mtok: str) -> None:
    """A hosted agent of the project's whose model is the endpoint."""
    (project / "agents" / f"{name}.toml").write_text(
        f'model = "openai/{name}"\napi_base = "{endpoint.url}"\ntools = []\n'
        f'price = {{ input_per_mtok = "{usd_per_mtok}", output_per_mtok = "{usd_per_mtok}" }}\n'
    )


def scripted(exchange: Exchange) -> None:
    """Plans when it is asked for a plan, marks as a judge, and is right as "good" and wrong as anybody else."""
    asked, model = json.dumps(exchange.body), str(exchange.body["model"])
    usage = {"prompt_tokens": 1_000, "completion_tokens": 20, "total_tokens": 1_020}

    def says(text: str) -> Behaviour:
        return answer(completion(text, usage=usage))

    if "Do not solve" in asked:
        says("1. answer with one word")(exchange)
    elif "judges of an auction" in asked:
        says('{"A": 3, "B": 3}')(exchange)
    else:
        says("right" if "good" in model else "wrong")(exchange)


def form_of(out: str) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(out)
    assert form["schema"] == "agora.bench.live/1"
    return form


def by_name(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {way["name"]: way for way in form["ways"]}


def test_every_way_is_measured_with_n_and_an_interval_and_nothing_of_the_users_is_changed(
    shell: Shell, project: Path
) -> None:
    folder = tasks(project, one=WORD, two=WORD, three=WORD.replace("{check}", "false"))
    shown = shell("bench", "live", "--tasks", folder, "--agents", "fixer,spoiler", "--json")
    assert shown.code == 0, shown.err
    form = form_of(shown.out)
    ways = by_name(form)
    assert list(ways) == ["the auction", "always fixer", "always spoiler", "random", "same spend on one"]
    assert form["order"] == ["always fixer", "always spoiler", "random", "the auction", "same spend on one"]
    assert (ways["always fixer"]["passed"], ways["always fixer"]["n"]) == (2, 3)
    assert ways["always spoiler"]["rate"] == 0
    low, high = ways["always fixer"]["interval"]
    assert 0.2 < low < 2 / 3 < high < 1
    assert ways["always spoiler"]["auction_passes_more_by"]["value"] == ways["the auction"]["rate"]
    assert "neither dollars nor tokens" in ways["same spend on one"]["error"]
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"


def test_nothing_is_learned_and_every_run_stands_on_the_ledger_as_one_of_a_comparison(
    shell: Shell, project: Path
) -> None:
    form = form_of(shell("bench", "live", "--tasks", tasks(project, one=WORD), "--agents", "fixer", "--json").out)
    assert json.loads(shell("memory", "--json").out)["records"] == []
    listed = {run["id"]: run["alternative"] for run in json.loads(shell("runs", "--json").out)["runs"]}
    for way in form["ways"]:
        for run in way["runs"]:
            assert listed[run] == ("the auction" if way["name"] == "the auction" else way["name"])


def test_what_is_printed_says_how_it_was_measured(shell: Shell, project: Path) -> None:
    folder = tasks(project, one=WORD, two=WORD)
    shown = shell("bench", "live", "--tasks", folder, "--agents", "fixer,spoiler", "--seed", "5", "--budget", "2")
    assert shown.code == 0, shown.err
    assert "always fixer    2 of 2  1.00  [0.34, 1.00]" in shown.out
    assert "$2.00: $0.40 for each of 5 ways, fixed beforehand; $0 spent" in shown.out
    assert "seed 5" in shown.out
    assert "2 tasks are few: expect little" in " ".join(shown.out.split())
    assert "next: agora explain" in shown.out


def test_the_same_seed_draws_the_same_agents_and_repetitions_draw_others(shell: Shell, project: Path) -> None:
    folder = tasks(project, **{f"word{place}": WORD for place in range(5)})
    command = ("bench", "live", "--tasks", folder, "--agents", "fixer,spoiler", "--repeat", "2", "--json")
    first, again = (by_name(form_of(shell(*command, "--seed", "3").out))["random"] for _ in range(2))
    drawn = [row["agent"] for row in first["verdicts"]]
    assert drawn == [row["agent"] for row in again["verdicts"]]
    assert set(drawn) == {"fixer", "spoiler"}
    assert drawn[:5] != drawn[5:]
    assert first["n"] == 5


def test_on_a_scripted_endpoint_dollars_tokens_and_bidding_are_counted_and_the_budget_is_kept(
    shell: Shell, project: Path
) -> None:
    folder = tasks(project, **{f"word{place}": QUESTION for place in range(4)})
    with FaultyEndpoint(scripted) as endpoint:
        hosted(project, "good", endpoint, usd_per_mtok="10")
        hosted(project, "bad", endpoint, usd_per_mtok="1")
        shown = shell("bench", "live", "--tasks", folder, "--agents", "good,bad", "--budget", "5", "--json")
        assert shown.code == 0, shown.err
        form, calls = form_of(shown.out), endpoint.count
    ways = by_name(form)
    assert ways["always good"]["rate"] == 1
    assert ways["always bad"]["rate"] == 0
    assert ways["always bad"]["per_solved"]["usd"] is None
    good = ways["always good"]
    assert good["per_task"]["usd"] == pytest.approx(2 * 1_020 * 10 / 1e6)
    assert good["per_task"]["tokens"] == 2 * 1_020
    assert good["bids_share"]["usd"] == pytest.approx(0.5)
    auction, same = ways["the auction"], ways["same spend on one"]
    assert auction["bids_share"]["usd"] > 0
    assert "good alone" in same["how"]
    assert Decimal(same["spent"]["usd"]) <= Decimal(auction["spent"]["usd"])
    assert same["auction_takes_less_by"]["usd"]["n"] == auction["n"]
    assert sum(Decimal(way["spent"]["usd"]) for way in form["ways"]) == Decimal(form["spent_usd"]) <= 5
    assert calls == sum(way["spent"]["steps"] for way in form["ways"])


def test_a_way_whose_share_runs_out_says_so_with_n_and_the_budget_is_never_exceeded(
    shell: Shell, project: Path
) -> None:
    folder = tasks(project, **{f"word{place}": QUESTION for place in range(6)})
    with FaultyEndpoint(scripted) as endpoint:
        hosted(project, "good", endpoint, usd_per_mtok="10")
        command = ("bench", "live", "--tasks", folder, "--agents", "good", "--budget", "0.32")
        form = form_of(shell(*command, "--json").out)
        told = shell(*command)
    alone = by_name(form)["always good"]
    assert 0 < alone["n"] < 6
    assert alone["n"] + len(alone["not_measured"]) == 6
    assert alone["passed"] == alone["n"]
    assert Decimal(form["spent_usd"]) <= Decimal("0.32")
    assert all(Decimal(way["spent"]["usd"]) <= Decimal(form["share_usd"]) for way in form["ways"])
    assert "its share ran out:" in told.out
    assert "of 6 tasks not measured (word" in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tasks", "nowhere"), "'nowhere' is not there: name a task's file, or a folder of them"),
        (("--tasks", "repo"), "repo: holds no tasks"),
        (("--tasks", "mine", "--agents", "nobody"), "no agent named 'nobody'"),
        (("--tasks", "mine", "--agents", ","), "--agents: names nobody"),
        (("--tasks", "mine", "--budget", "plenty"), "--budget: 'plenty' is not an amount of US dollars"),
        (("--tasks", "mine", "--budget", "-1"), "--budget: '-1' is not an amount of US dollars"),
        (("--tasks", "mine", "--bare"), "--bare: lets agents run commands as you, many times and unasked"),
        (("--tasks", "mine", "--repeat", "0"), "--repeat"),
        (("--tasks", "mine", "--agents", "free,paid", "--budget", "0"), "0 pays for nothing, and paid charge dollars"),
        (("--tasks", "open"), "nothing checks both, that, so they cannot be compared: give each a [verify]"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_spent(
    shell: Shell, project: Path, arguments: tuple[str, ...], said: str
) -> None:
    tasks(project, one=WORD)
    (project / "open").mkdir()
    for name in ("both", "that"):
        (project / "open" / f"{name}.toml").write_text('goal = "say something"\n')
    (project / "agents" / "free.toml").write_text(priced(SPOILER, "1"))
    (project / "agents" / "paid.toml").write_text(f'{FIXER}price = {{ per_task = "0.5" }}\n')
    shown = shell("bench", "live", *arguments)
    assert shown.code == 2
    assert said in shown.error
    assert json.loads(shell("runs", "--json").out)["runs"] == []


def test_on_the_local_model_the_spend_of_the_auction_goes_into_more_samples(shell: Shell, project: Path) -> None:
    (project / "kit").mkdir()
    (project / "kit" / "words.py").write_text(
        '"""Helpers."""\n\n\ndef size(value: str) -> int:\n    """Return how many letters the text has."""\n'
        "    raise NotImplementedError\n"
    )
    code = "from kit.words import size\n\n\ndef test_it() -> None:\n    assert size('abc') == 3\n"
    folder = tasks(
        project,
        size='goal = "Write the function size in kit/words.py: Return how many letters the text has."\n'
        'skill = "function"\nworkspace = ".."\nfiles = ["kit/words.py"]\nexamples = ["assert size(\'ab\') == 2"]\n'
        f'[verify]\nkind = "tests"\ncode = {json.dumps(code)}\n',
    )
    for name, method in (("small", "greedy"), ("sampled", "best_of_n")):
        (project / "agents" / f"{name}.toml").write_text(
            f'kind = "sampler"\nmodel = "local/smollm2-135m"\nskills = ["function"]\n[sampler]\nmethod = "{method}"\n'
        )
    shown = shell("bench", "live", "--tasks", folder, "--agents", "small,sampled", "--seed", "1", "--json")
    assert shown.code == 0, shown.err
    form = form_of(shown.out)
    ways = by_name(form)
    assert all(way["n"] == 1 for way in form["ways"])
    assert ways["always small"]["per_task"]["tokens"] > 0
    assert form["spent_usd"] == "0"
    assert ways["same spend on one"]["how"].startswith("best of ")
    assert ways["same spend on one"]["per_task"]["seconds"] > 0
    assert ways["the auction"]["spent"]["output_tokens"] >= ways["same spend on one"]["spent"]["output_tokens"]
