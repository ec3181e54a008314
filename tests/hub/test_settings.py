"""Settings come from one table, say where they came from, and never print a secret."""

from pathlib import Path

import pytest

from hub import settings


def load(directory: Path, **flags: object) -> settings.Settings:
    return settings.load(directory, environment={}, flags=flags)


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    assert load(tmp_path) == settings.Settings()


def test_later_sources_win_and_are_named(tmp_path: Path) -> None:
    (tmp_path / settings.FILE).write_text(
        "hold_seconds = 60\nidle_minutes = 10\nbusiness_days = 4\n"
    )
    environment = {"STOREHUB_IDLE_MINUTES": "20", "STOREHUB_BUSINESS_DAYS": "5", "HOME": "/"}
    found = settings.load(
        tmp_path, environment=environment, flags={"business_days": 6, "store": None}
    )
    assert (found.hold_seconds, found.idle_minutes, found.business_days) == (60, 20, 6)
    assert found.sources["idle_minutes"] == "STOREHUB_IDLE_MINUTES"
    assert found.sources["business_days"] == "--business-days"
    assert found.sources["hold_seconds"] == str(tmp_path / settings.FILE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('hold_seconds = "soon"', ["hold_seconds", "'soon'", "a whole number (s), 1 or more"]),
        ("hold_seconds = 0", ["hold_seconds", "0", "1 or more"]),
        ("hold_seconds = true", ["hold_seconds", "True"]),
        ("http_port = 70000", ["http_port", "70000", "0 to 65535"]),
        ("outbox_retry_s = nan", ["outbox_retry_s", "nan"]),
        ('store = "a/b"', ["store", "'a/b'", "of the form"]),
        ("hold_second = 5", ["hold_second", "Did you mean 'hold_seconds'?"]),
        ("hold_seconds = ", ["is no TOML"]),
    ],
)
def test_a_bad_value_is_named_with_key_value_and_source(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    (tmp_path / settings.FILE).write_text(text)
    with pytest.raises(settings.SettingsError) as caught:
        load(tmp_path)
    for word in [*words, settings.FILE]:
        assert word in str(caught.value)


def test_an_unknown_environment_name_is_refused_but_the_command_lines_own_is_not(
    tmp_path: Path,
) -> None:
    assert settings.load(tmp_path, environment={"STOREHUB_DATA": "x"}).store == "store-1"
    with pytest.raises(settings.SettingsError, match="STOREHUB_SPEED"):
        settings.load(tmp_path, environment={"STOREHUB_SPEED": "2"})


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    found = load(tmp_path, mqtt_password="tell-nobody")
    assert found.mqtt_password == "tell-nobody"
    assert "tell-nobody" not in repr(found)
    assert "tell-nobody" not in str(list(found.shown()))
    with pytest.raises(settings.SettingsError) as caught:
        load(tmp_path, mqtt_password=4711)
    assert "4711" not in str(caught.value)


def test_every_row_has_a_reason_and_a_default_that_it_accepts(tmp_path: Path) -> None:
    for row in settings.TABLE:
        assert row.reason.endswith("."), row.name
        assert getattr(load(tmp_path, **{row.name: row.default}), row.name) == row.default


def test_the_documentation_page_is_made_from_the_table() -> None:
    page = Path(settings.__file__).parents[2] / "docs" / "settings.md"
    made = settings.page()
    assert page.read_text() == made, "run: python -m hub.settings > docs/settings.md"
