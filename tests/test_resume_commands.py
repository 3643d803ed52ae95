"""Commands and tools of a run that is gone on with: what a yes counts for, what is started again, and what is left."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora import failpoints
from agora.agents.command_tools import run_shell
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.bids import Plan, Price
from agora.cli.approve import whole_of
from agora.cli.asking import lines_of
from agora.desk.remembering import put_back
from agora.errors import ApprovalPendingError, ApprovalRefusedError, SandboxError
from agora.events import Asked, CommandReserved, Done, Learned, Resumed, TaskDone, ToolUsed
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import ToolCall
from agora.protocols import Agent, Desk, Store, Workspace
from agora.questions import Answer, Question
from agora.sandbox import BareSandbox, best_sandbox
from agora.tasks import Change, Limits, Patch, Task, Tier, Usage, Verdict
from agora.testing import FakeClock, ScriptedModel, audit, call, say
from agora.traces.told.story import told
from test_resume import PLAN, Power, cut_off, events, market_of, task, yes

KEY_SHAPED = "sk-test1234567890abcdefgh"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "x").write_text("1")
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where commands leave a trace that no fresh copy undoes."""
    path = tmp_path / "starts.log"
    path.touch()
    return path


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


def starts(log: Path) -> int:
    return log.read_text().count("s")


def at_work(repo: Path, **fields: object) -> Task:
    return task(workspace=str(repo), tier=Tier.BARE, **fields)


def worker(work: Callable[[Desk], Awaitable[object]]) -> Agent:
    """Works without any sandbox, then says 42."""

    async def perform(desk: Desk, plan: Plan) -> str:
        await work(desk)
        return "42"

    return FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)


def using(name: str, id: str = "1", **arguments: str) -> ToolCall:
    return ToolCall(id=id, name=name, arguments=json.dumps(arguments))


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


class Person:
    """Answers questions about commands in turn, and remembers them; None is "later"."""

    def __init__(self, *answers: bool | None) -> None:
        self._answers = list(answers)
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Answer:
        if question.about != "command":
            return Answer(True, asked=False)
        self.asked.append(question)
        return Answer(self._answers.pop(0))

    @property
    def numbers(self) -> list[str]:
        return [question.id.rpartition("-")[2] for question in self.asked]


async def answer(store: Store, granted: bool) -> None:
    """What `agora approve` writes for every question that waits."""
    for asked in told(events(store)).waiting:
        await store.record(store.find_run("last"), asked.model_copy(update={"granted": granted}))


def test_an_answer_counts_for_neither_another_sandbox_nor_other_variables_nor_other_words() -> None:
    asked = Question(id="q", about="command", task="t", agent="a", argv=("ls", "a b"))
    others: list[dict[str, object]] = [
        {"sandboxed": False},
        {"env": (("PAYLOAD", "evil"),)},
        {"argv": ("ls", "a", "b")},
        {"argv": ("ls",), "env": (("a b", ""),)},
        {"stdin": "x"},
        {"usd": Decimal(1)},
    ]
    digests = {asked.digest, *(asked.model_copy(update=other).digest for other in others)}
    assert len(digests) == len(others) + 1


async def test_a_question_says_what_a_command_may_cost_and_which_variables_it_gets(
    store: MemoryStore, repo: Path
) -> None:
    @tool
    async def build(workspace: Workspace) -> str:
        """Build."""
        return (await workspace.run(["true"], env={"PAYLOAD": "evil"})).stdout

    async def work(desk: Desk) -> None:
        await desk.run(["true"], worst_usd=Decimal(3), bill=lambda ran: Usage(usd=Decimal(1)))
        await desk.use(build, using("build"))

    person = Person(True, True)
    await market_of(worker(work), store, approve=person).run_all([at_work(repo)])
    first, second = (" ".join(text for text, _ in lines_of(question)) for question in person.asked)
    assert "for $3.00 at most" in first
    assert "PAYLOAD=evil" in second


async def test_equal_commands_are_asked_for_each_and_a_no_stays_with_its_own(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    seen: list[str] = []

    async def work(desk: Desk) -> None:
        for _ in range(3):
            try:
                await desk.run(sh(f"echo s >> {log}"))
                seen.append("ran")
            except ApprovalRefusedError as refused:
                seen.append(str(refused))

    person = Person(True, False, True)
    market = market_of(worker(work), store, approve=person)
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    assert person.numbers == ["1", "2", "3"]
    assert starts(log) == 2
    assert seen[:3] == seen[3:]
    assert [word[:3] for word in seen[:3]] == ["ran", "a p", "ran"]
    assert report.usage.steps == 3
    assert audit(events(store)) == []


async def cut_off_again(market: Market, *, at: str, hit: int) -> None:
    """Go on with a run that was cut off, until a failpoint."""

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(at, hit, act=cut))
    try:
        with pytest.raises(Power):
            await market.resume("last")
    finally:
        failpoints.arm(None)


async def by_desk(desk: Desk, log: Path) -> None:
    await desk.run(sh(f"echo s >> {log}"))


async def by_tool(desk: Desk, log: Path) -> None:
    await desk.use(run_shell, using("run_shell", command=f"echo s >> {log}"))


async def by_hand(desk: Desk, log: Path) -> None:
    assert desk.workspace is not None
    await desk.workspace.run(sh(f"echo s >> {log}"))


@pytest.mark.parametrize("way", [by_desk, by_tool, by_hand])
async def test_a_bare_command_that_was_cut_off_is_listed_as_unknown_and_asked_for_again(
    store: MemoryStore, repo: Path, log: Path, way: Callable[[Desk, Path], Awaitable[None]]
) -> None:
    person = Person(True, True)
    market = market_of(worker(lambda desk: way(desk, log)), store, approve=person)
    await cut_off(market, [at_work(repo)], at="tool")
    await market.resume("last")
    (intent, again) = (event for event in events(store) if isinstance(event, CommandReserved))
    (resumed,) = (event for event in events(store) if isinstance(event, Resumed))
    assert resumed.unknown == (intent.call,)
    assert again.call != intent.call
    assert person.numbers == ["1", "2"]
    assert starts(log) == 2
    assert audit(events(store)) == []


@pytest.mark.parametrize("way", [by_desk, by_tool])
async def test_a_bare_command_that_was_cut_off_once_and_then_ended_is_not_started_a_third_time(
    store: MemoryStore, repo: Path, log: Path, way: Callable[[Desk, Path], Awaitable[None]]
) -> None:
    async def work(desk: Desk) -> None:
        await way(desk, log)
        await desk.run(["true"])

    market = market_of(worker(work), store, approve=yes)
    await cut_off(market, [at_work(repo)], at="tool")
    await cut_off_again(market, at="tool", hit=3)  # the unknown, the second start, `true`
    report = await market.resume("last")
    assert starts(log) == 2
    assert report.passed == 1
    assert audit(events(store)) == []


async def test_an_answer_that_came_before_its_command_was_started_still_counts(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    person = Person(True)
    market = market_of(worker(lambda desk: by_desk(desk, log)), store, approve=person)
    await cut_off(market, [at_work(repo)], at="asked.durable")
    await market.resume("last")
    assert person.numbers == ["1"]
    assert starts(log) == 1
    assert audit(events(store)) == []


async def test_a_sandboxed_use_that_is_made_again_on_the_fresh_copy_has_its_own_answer(
    store: MemoryStore, repo: Path
) -> None:
    shown: list[str] = []

    async def perform(desk: Desk, plan: Plan) -> str:
        for number in ("1", "2"):
            shown.append((await desk.use(run_shell, using("run_shell", number, command="echo s >> x"))).text)
        return (await desk.run(["cat", "x"])).stdout

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price())
    person = Person(True, True, True)
    market = Market([agent], store=store, approve=person, sandbox=best_sandbox(), seed=1, budget_usd="5")
    await cut_off(market, [at_work(repo, verify=None)], at="performed")
    report = await market.resume("last")
    assert report.results[0].output == "1s\ns\n"
    assert person.numbers == ["1", "2", "1"]
    assert shown[:2] == shown[2:]
    assert audit(events(store)) == []


@pytest.mark.parametrize(
    "scripts",
    [
        ("echo t > tmp; echo broken > x", "rm tmp; printf 1 > x; echo n > new"),
        ("rm x", "printf 1 > x; echo n > new"),
        ("rm -r d; echo f > d", "true"),
        ("rm x; mkdir x; echo deep > x/y", "true"),
        ("rm -r d; ln -s x d", "rm d; mkdir d; echo b > d/e"),
        ("echo 2 > x", "chmod +x x"),
    ],
)
async def test_the_resumed_copy_is_as_it_was_left(store: MemoryStore, repo: Path, scripts: tuple[str, ...]) -> None:
    (repo / "d").mkdir()
    (repo / "d" / "e").write_text("e")

    async def work(desk: Desk) -> None:
        for script in scripts:
            assert (await desk.run(sh(script))).exit_code == 0

    calm = await market_of(worker(work), MemoryStore(clock=FakeClock())).run_all([at_work(repo)])
    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    assert report.passed == 1, report.results[0].reason
    assert report.results[0].patch == calm.results[0].patch
    assert audit(events(store)) == []


async def test_what_an_agent_writes_between_its_commands_is_overwritten_as_it_was(
    store: MemoryStore, repo: Path
) -> None:
    read: list[str] = []

    async def work(desk: Desk) -> None:
        assert desk.workspace is not None
        await desk.run(sh("echo first > x"))
        read.append(desk.workspace.path("x").read_text())
        desk.workspace.path("x").write_text("by hand")
        await desk.run(sh("echo second >> x"))

    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    assert read == ["first\n", "first\n"]
    assert [change.after for change in report.results[0].patch.changes] == [b"by handsecond\n"]


async def test_commands_that_went_on_at_once_keep_the_work_of_both_and_their_own_outputs(
    store: MemoryStore, repo: Path
) -> None:
    said: list[dict[str, str]] = []

    async def work(desk: Desk) -> None:
        out: dict[str, str] = {}

        async def one(name: str, waits_s: str) -> None:
            script = "read l; echo w > f$l; sleep $l; echo done > g$l; echo got $l"
            out[name] = (await desk.run(sh(script), stdin=f"{waits_s}\n")).stdout.strip()

        async with anyio.create_task_group() as group:
            group.start_soon(one, "slow", "0.6")
            group.start_soon(one, "fast", "0.1")
        said.append(out)

    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    assert said == [{"slow": "got 0.6", "fast": "got 0.1"}] * 2
    assert [change.path for change in report.results[0].patch.changes] == ["f0.1", "f0.6", "g0.1", "g0.6"]


async def test_a_command_is_known_by_its_words_and_not_by_their_text(store: MemoryStore, repo: Path) -> None:
    said: list[str] = []
    count = "echo $#"

    async def work(desk: Desk) -> None:
        for words in (["a\nb"], ["a", "b"]) if len(said) == 0 else (["a", "b"], ["a\nb"]):
            said.append((await desk.run(["sh", "-c", count, "sh", *words])).stdout.strip())

    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="performed")
    await market.resume("last")
    assert said == ["1", "2", "2", "1"]


async def test_a_file_that_cannot_be_had_as_it_was_copied_is_named(tmp_path: Path, repo: Path) -> None:
    copy = await BareSandbox().open(repo, least=Tier.BARE)
    try:
        copy.path("x").write_text("changed")
        (repo / "x").write_text("changed by the user")
        with pytest.raises(SandboxError, match="'x'"):
            put_back(Patch(), copy, repo)
    finally:
        await copy.close()


async def test_words_with_the_shape_of_a_key_do_not_start_a_paid_command_or_a_tool_again(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    paid: list[str] = []

    @tool
    def pay(note: str) -> str:
        """Pay.

        Args:
            note: For what.
        """
        paid.append(note)
        return "paid"

    async def work(desk: Desk) -> None:
        argv = [*sh(f"echo s >> {log}"), KEY_SHAPED]
        await desk.run(argv, worst_usd=Decimal("0.5"), bill=lambda ran: Usage(usd=Decimal("0.2")))
        await desk.use(pay, using("pay", note=KEY_SHAPED))

    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    assert (starts(log), len(paid)) == (1, 1)
    assert report.usage.usd == Decimal("0.2")
    assert audit(events(store)) == []


async def test_a_command_with_the_shape_of_a_key_can_be_answered_and_the_answer_counts(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    person = Person(None)
    market = market_of(worker(lambda desk: desk.run([*sh(f"echo s >> {log}"), KEY_SHAPED])), store, approve=person)
    with pytest.raises(ApprovalPendingError):
        await market.run_all([at_work(repo)])
    story = told(events(store))
    shown = whole_of(story, story.waiting[0])
    assert KEY_SHAPED not in str(shown)
    await answer(store, True)
    await market.resume("last")
    assert starts(log) == 1
    assert audit(events(store)) == []


async def test_a_refused_command_costs_its_step_once_and_ends_with_what_was_said(
    store: MemoryStore, repo: Path
) -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(ApprovalRefusedError, match="do without it"):
            await desk.run(["rm", "-rf", "."])

    calm = await market_of(worker(work), MemoryStore(clock=FakeClock()), approve=Person(False)).run_all([at_work(repo)])
    market = market_of(worker(work), store, approve=Person(False))
    await cut_off(market, [at_work(repo)], at="performed")
    report = await market.resume("last")
    (used,) = (event for event in events(store) if isinstance(event, ToolUsed))
    assert (used.ok, used.unknown) == (False, False)
    assert "do without it" in used.result
    assert report.usage.steps == calm.usage.steps == 1
    assert audit(events(store)) == []


@pytest.mark.parametrize("way", [by_desk, by_tool])
async def test_a_question_that_waits_costs_nothing_however_often_the_run_is_gone_on_with(
    store: MemoryStore, repo: Path, log: Path, way: Callable[[Desk, Path], Awaitable[None]]
) -> None:
    market = market_of(worker(lambda desk: way(desk, log)), store, approve=Person(None, None, None))
    limits = Limits(steps=2)
    with pytest.raises(ApprovalPendingError):
        await market.run_all([at_work(repo, limits=limits)])
    for _ in range(2):
        with pytest.raises(ApprovalPendingError):
            await market.resume("last")
    assert not [event for event in events(store) if isinstance(event, (ToolUsed, CommandReserved))]
    await answer(store, True)
    report = await market.resume("last")
    assert starts(log) == 1
    assert (report.passed, report.usage.steps) == (1, 1)
    assert audit(events(store)) == []


async def test_an_agent_that_asks_again_while_its_question_waits_asks_the_same_and_pays_nothing(
    store: MemoryStore, repo: Path
) -> None:
    left: list[int | None] = []

    async def work(desk: Desk) -> None:
        for _ in range(2):
            with pytest.raises(ApprovalPendingError):
                await desk.run(["true"])
            left.append(desk.left.steps)

    market = market_of(worker(work), store, approve=Person(None, None))
    with pytest.raises(ApprovalPendingError):
        await market.run_all([at_work(repo, limits=Limits(steps=2))])
    assert left == [2, 2]
    assert len(told(events(store)).waiting) == 1


async def test_commands_of_tools_get_ids_that_no_command_before_the_cut_had(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    async def work(desk: Desk) -> None:
        for number in ("1", "2"):
            await desk.use(run_shell, using("run_shell", number, command=f"echo s >> {log}; true {number}"))

    market = market_of(worker(work), store)
    await cut_off(market, [at_work(repo)], at="command_reserved", hit=2)
    await market.resume("last")
    intents = [event.call for event in events(store) if isinstance(event, CommandReserved)]
    assert len(set(intents)) == len(intents) == 2
    assert starts(log) == 2
    assert audit(events(store)) == []


async def test_no_link_in_a_copy_is_followed_when_it_is_put_back(tmp_path: Path, repo: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("kept", "written"):
        (outside / name).write_text("the user's")
    copy = await BareSandbox().open(repo, least=Tier.BARE)
    try:
        for link in ("gone", "made"):
            copy.path(link).symlink_to(outside)
        changes = (
            Change(path="gone/kept", before="0" * 64, after=None),
            Change(path="made/written", before=None, after=b"the command's"),
        )
        put_back(Patch(changes=changes), copy, repo)
        assert copy.path("made/written").read_bytes() == b"the command's"
    finally:
        await copy.close()
    assert {path.name: path.read_text() for path in outside.iterdir()} == dict.fromkeys(
        ("kept", "written"), "the user's"
    )


async def test_a_tool_that_a_model_called_with_the_shape_of_a_key_is_not_used_again(store: MemoryStore) -> None:
    paid: list[str] = []

    @tool
    def pay(note: str) -> str:
        """Pay.

        Args:
            note: For what.
        """
        paid.append(note)
        return "paid"

    model = ScriptedModel("scripted/m", [say("1. pay"), call("pay", note=KEY_SHAPED), say("42")], price=Price())
    market = market_of(LLMAgent("a", model, tools=[pay]), store)
    await cut_off(market, [task()], at="performed")
    report = await market.resume("last")
    assert report.passed == 1, report.results[0].reason
    assert len(paid) == 1
    assert audit(events(store)) == []


async def test_what_is_learned_of_two_bidders_is_not_learned_twice(store: MemoryStore, repo: Path) -> None:
    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    agents = [FunctionAgent(name, perform, plan=PLAN, price=Price()) for name in ("a", "b")]
    await Market(agents, store=store, seed=1, budget_usd="5").run_all([task()])
    assert sum(isinstance(event, Learned) and event.what == "memory" for event in events(store)) == 2
    assert audit(events(store)) == []


async def test_the_auditor_sees_commands_against_an_answer_and_what_is_learned_twice(
    store: MemoryStore, repo: Path, log: Path
) -> None:
    market = market_of(worker(lambda desk: by_desk(desk, log)), store, approve=Person(True))
    await market.run_all([at_work(repo)])
    seen = events(store)
    assert audit(seen, verdicts={"t": Verdict.PASSED}) == []
    (asked,) = (event for event in seen if isinstance(event, Asked))
    learned = next(event for event in seen if isinstance(event, Learned))
    screened = next(event for event in seen if event.kind == "screened")
    intent = next(event for event in seen if isinstance(event, CommandReserved))
    for said in (None, False):
        other = asked.model_copy(update={"granted": said})
        assert any("was answered with" in fault for fault in audit([other if e is asked else e for e in seen]))
    waiting = asked.model_copy(
        update={"granted": None, "question": asked.question.model_copy(update={"id": "t/later"})}
    )
    done = next(index for index, event in enumerate(seen) if isinstance(event, TaskDone))
    assert any("t/later waits" in fault for fault in audit([*seen[:done], waiting, *seen[done:]]))
    for twice, words in ((learned, "learned from t (1) 2 times"), (screened, "screened 2 times")):
        assert any(words in fault for fault in audit([*seen[:done], twice, *seen[done:]]))
    second = intent.model_copy(update={"call": "t/attempt-1/a/9"})
    assert any("2 starts under" in fault for fault in audit([*seen[:done], second, *seen[done:]]))
    assert isinstance(seen[-1], Done)
