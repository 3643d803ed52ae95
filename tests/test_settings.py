"""Four places, one order, and no mistake that passes in silence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agora.errors import ConfigError
from agora.settings import PROJECT_FILE, Settings, load_settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def load(
    project: Path, tmp_path: Path, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None
) -> Settings:
    return load_settings(flags=flags, project=project, environ=environ or {}, user_file=tmp_path / "user.toml")


def test_a_flag_goes_before_a_variable_before_the_project_before_the_user(project: Path, tmp_path: Path) -> None:
    assert load(project, tmp_path).budget_usd == Decimal("1.00")
    (tmp_path / "user.toml").write_text("budget_usd = 2\nseed = 9")
    assert load(project, tmp_path).budget_usd == 2
    (project / PROJECT_FILE).write_text('budget_usd = "3"')
    assert load(project, tmp_path).budget_usd == 3
    variables = {"AGORA_BUDGET_USD": "4"}
    assert load(project, tmp_path, environ=variables).budget_usd == 4
    assert load(project, tmp_path, {"budget_usd": Decimal(5)}, variables).budget_usd == 5
    assert load(project, tmp_path, {"budget_usd": None}, variables).seed == 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("budgt_usd = 1", "did you mean 'budget_usd'"),
        ("budget_usd = -1", "budget_usd: -1 is refused"),
        ("seed = ", "is not TOML"),
        ('attempts = "many"', "attempts: 'many' is refused"),
    ],
)
def test_a_mistake_in_a_file_names_the_file_the_field_and_the_mend(
    project: Path, tmp_path: Path, content: str, message: str
) -> None:
    (project / PROJECT_FILE).write_text(content)
    with pytest.raises(ConfigError, match=PROJECT_FILE) as caught:
        load(project, tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_variable_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AGORA_SEED: 'x' is refused"):
        load(project, tmp_path, environ={"AGORA_SEED": "x"})


def test_a_misspelt_variable_is_a_mistake_and_a_foreign_one_is_not(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean AGORA_BUDGET_USD"):
        load(project, tmp_path, environ={"AGORA_BUDGT_USD": "1"})
    assert load(project, tmp_path, environ={"AGORA_RTC_CERTIFICATE": "x", "BUDGET_USD": "9"}) == Settings()


def test_switches_of_the_environment_take_the_usual_words(project: Path, tmp_path: Path) -> None:
    assert load(project, tmp_path, environ={"AGORA_ASK_COMMANDS": "1", "AGORA_BARE": "off"}).ask_commands
    with pytest.raises(ConfigError, match="AGORA_ASK_COMMANDS: 'perhaps'"):
        load(project, tmp_path, environ={"AGORA_ASK_COMMANDS": "perhaps"})


@pytest.mark.parametrize("line", ['approve = "yes"', "bare = true", "ask_above_usd = 100", "ask_commands = false"])
def test_a_project_cannot_disarm_whoever_clones_it(tmp_path: Path, line: str) -> None:
    (tmp_path / "agora.toml").write_text(line)
    with pytest.raises(ConfigError, match=r"a project cannot say this.*AGORA_"):
        load_settings(project=tmp_path, environ={"HOME": str(tmp_path / "home")})
    own = tmp_path / "config.toml"
    own.write_text(line)
    load_settings(environ={}, user_file=own)
