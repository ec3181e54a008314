"""Nothing in the repository names the machine it was made on or where packages come from."""

import re

import pytest

from tests.architecture.source import ROOT, modules, tracked

MACHINE = re.compile(
    rb"/work/|/root/|/home/[a-z]|/opt/(pypi|wheels)|pypi\.org|pythonhosted|npmjs|--index-url|"
    rb"deb\.debian\.org|--find-links"
)
# The setup scripts name the options that keep addresses out.
MAY_NAME_OPTIONS = {"deploy/setup/lock.sh", "tests/architecture/test_the_repository_is_clean.py"}
TEXT = {".py", ".toml", ".md", ".txt", ".sh", ".cfg", ".ini", ".yaml", ".yml", ".html", ".css",
        ".js", ".json", ".conf", ".service", "", ".svg", ".po"}  # fmt: skip
LINES = 400
BODY = 80


def test_no_file_names_a_machine_or_a_registry() -> None:
    wrong = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if path.suffix not in TEXT or name in MAY_NAME_OPTIONS or "/vendor/" in name:
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if found := MACHINE.search(line):
                wrong.append(f"{name}:{number} {found.group().decode()}")
    assert wrong == []


def test_no_secret_or_database_is_tracked() -> None:
    wrong = [
        p for p in tracked() if p.suffix in (".db", ".pem", ".key") or p.name == "secrets.toml"
    ]
    assert wrong == []


def test_files_stay_readable() -> None:
    """About 300 lines is the aim; the figure here is where one must split."""
    long = {str(m): n for m in modules() if (n := m.text.count("\n")) > LINES}
    assert long == {}, "split by meaning"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_development_lock_holds_the_run_time_lock(version: str) -> None:
    run, dev = (pins(kind, version) for kind in ("run", "dev"))
    assert run.items() <= dev.items()
    assert len(run) > 20


def pins(kind: str, version: str) -> dict[str, str]:
    """Read name → version, and see that each has a hash."""
    text = (ROOT / "deploy" / "locks" / f"{kind}-{version}.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if match := re.match(r"([a-z0-9._-]+)==(\S+)", block):
            found[match[1]] = match[2]
            assert "--hash=sha256:" in block, match[1]
    return found
