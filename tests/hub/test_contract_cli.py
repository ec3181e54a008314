"""The command line has each command and option of the contract, and says what each is for."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hub.cli import main as storehub_main
from hub.cli import storehub as main
from hub.settings import Settings
from hub.store import Store

COMMANDS = {
    "demo": ("--no-devices", "--reset", "--speed", "--port-base", "--data"),
    "init": ("--data",),
    "run": ("--data",),
    "central": ("--database",),
    "devices run": ("--data",),
    "status": ("--data", "--json"),
    "doctor": ("--data", "--json"),
    "verify": ("--data", "--json"),
    "rebuild": ("--data",),
    "backup": ("--data",),
    "restore": ("--data",),
    "import catalog": ("--map", "--dry-run", "--partial", "--data"),
    "import stock": ("--map", "--dry-run", "--partial", "--data"),
    "import sales": ("--map", "--dry-run", "--partial", "--data"),
    "export journal": ("--data",),
    "export stock": ("--data",),
    "export orders": ("--data",),
    "device enrol": ("--data",),
    "device list": ("--data", "--json"),
    "device revoke": ("--data",),
    "quarantine list": ("--data", "--json"),
    "quarantine replay": ("--data",),
    "erase": ("--data",),
    "line up": ("--data",),
    "line down": ("--data",),
    "explain stock": ("--data", "--json"),
    "token create": ("--role", "--data"),
    "simulate": (),
    "decode": ("--json",),
}


def command(path: str) -> click.Command:
    found: click.Command = main
    for name in path.split():
        assert isinstance(found, click.Group), path
        child = found.get_command(click.Context(found), name)
        assert child is not None, f"storehub {path} is missing"
        found = child
    return found


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_of_the_contract_is_there_with_its_options(path: str) -> None:
    found = command(path)
    options = {option for parameter in found.params for option in parameter.opts}
    assert set(COMMANDS[path]) - options == set()


def every(group: click.Command, path: str = "") -> list[tuple[str, click.Command]]:
    if not isinstance(group, click.Group):
        return [(path, group)]
    context = click.Context(group)
    found = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
    return [one for name, child in found if child for one in every(child, f"{path} {name}")]


@pytest.mark.parametrize(("path", "found"), every(main))
def test_help_says_what_a_command_is_for(path: str, found: click.Command) -> None:
    answer = CliRunner().invoke(main, [*path.split(), "--help"])
    assert answer.exit_code == 0
    assert found.help, path
    silent = [
        option.opts for option in found.params
        if isinstance(option, click.Option) and not option.help and not option.hidden
    ]  # fmt: skip
    assert silent == []


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--nonsense"], ["import"]])
def test_misuse_exits_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["status", "--nonsense"], ["token", "create"], ["quarantine", "replay", "x"]],
)
def test_misuse_is_told_in_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["storehub", *arguments])
    with pytest.raises(SystemExit) as ended:
        storehub_main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert len(told.strip().splitlines()) == 1


def test_a_replay_that_applies_nothing_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path, Settings(store="s1", ballast_mib=0)):
        pass
    monkeypatch.setattr(
        "sys.argv", ["storehub", "quarantine", "replay", "7", "--data", str(tmp_path)]
    )
    with pytest.raises(SystemExit) as ended:
        storehub_main()
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "There is no message 7" in told.out
    assert told.err == "1 of 1 messages could not be applied.\n"
