"""What every family promises behind the gateway, shown on its whole corpus."""

from pathlib import Path

import pytest

from devices.adapters import BUILT_IN, mapped
from tests.devices.adapters.corpus import Sample, samples
from tests.devices.gateway.standing import HandLine, Standing

SAMPLES = samples()
NOT_COUNTED = ("status", "sighted", "learned", "glitch")
COUNTED = [one for one in SAMPLES if one.expect and one.expect[0][0] not in NOT_COUNTED]


def served(sample: Sample) -> list[dict[str, object]]:
    """The device that the sample speaks of, and whoever may write its topic."""
    owner = {"device": "owner", "family": sample.family, "address": "", "grants": ["#"]}
    addresses = {found[1] for found in sample.expect if found[1] is not None}
    return [
        owner,
        *({"device": f"d{n}", "family": sample.family, "address": address}
          for n, address in enumerate(sorted(addresses))),
    ]  # fmt: skip


def heard(tmp_path: Path, sample: Sample, *, retained: bool, times: int = 1) -> Standing:
    made = Standing(tmp_path, HandLine())
    made.serve(*served(sample))
    for _ in range(times):
        made.hear(sample.topic, sample.payload, retained=retained)
    return made


@pytest.mark.parametrize("sample", COUNTED, ids=str)
def test_no_family_counts_what_is_retained(tmp_path: Path, sample: Sample) -> None:
    made = heard(tmp_path, sample, retained=True)
    assert made.waiting() == []
    made.die()


@pytest.mark.parametrize("sample", COUNTED, ids=str)
def test_every_family_s_message_is_counted_in_its_device_s_name(
    tmp_path: Path, sample: Sample
) -> None:
    made = heard(tmp_path, sample, retained=False)
    assert [(kind, data) for _, kind, data in made.waiting()] == [
        (found[0], found[2]) for found in sample.expect
    ]
    assert {device for device, _, _ in made.waiting()} == {"d0"}
    made.die()


@pytest.mark.parametrize(
    "family", sorted({one.family for one in SAMPLES if one.expect and one.expect[0][0] == "status"})
)
def test_each_family_s_last_will_is_told(tmp_path: Path, family: str) -> None:
    for n, sample in enumerate(one for one in SAMPLES if one.family == family):
        if sample.expect and sample.expect[0][0] == "status":
            made = heard(tmp_path / str(n), sample, retained=True)
            assert {online for _, online in made.told} == {sample.expect[0][2]}
            assert made.waiting() == []
            made.die()


def test_zebra_s_fixed_readers_have_a_will_too(tmp_path: Path) -> None:
    made = Standing(tmp_path, HandLine())
    made.serve({"device": "fx", "family": "zebra-fx", "address": "", "grants": ["fx/#"]})
    made.hear("fx/tags/status", b"offline", retained=True)
    assert made.told == [("fx", False)]
    made.die()


def test_a_mapped_family_is_behind_the_same_rules(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(
        'family = "acme"\n[[message]]\ntopic = "acme/{address}/battery"\nkind = "heartbeat"\n'
        'format = "scalar"\nstate = true\n[message.data]\nbattery_pct = "$"\n'
    )
    adapter = mapped.load(file)
    made = Standing(tmp_path, HandLine(), {**BUILT_IN, adapter.family: adapter})
    family = {"family": adapter.family, "grants": ["acme/#"], "address": ""}
    made.serve({"device": "hub", **family},
               {"device": "s1", "family": adapter.family, "address": "s1"})  # fmt: skip
    made.hear("acme/s1/battery", b"80", retained=True)
    for level in (b"81", b"81", b"79"):
        made.hear("acme/s1/battery", level)
    assert made.waiting() == [
        ("s1", "heartbeat", {"battery_pct": 81}), ("s1", "heartbeat", {"battery_pct": 79}),
    ]  # fmt: skip
    made.die()
