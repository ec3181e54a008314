"""Pauses and patience: a floor of devices comes back apart, and a slow hub is not shouted at."""

from itertools import pairwise
from random import Random

from devices.client import RECONNECT_S
from devices.pacing import Backoff, Patience


def test_two_hundred_devices_that_were_cut_off_together_come_back_apart() -> None:
    pauses = [Backoff(*RECONNECT_S, Random(n)).pause_s() for n in range(200)]
    assert min(pauses) >= RECONNECT_S[0]
    busiest = max(sum(at <= one < at + 0.1 for one in pauses) for at in pauses)
    assert busiest <= 40


def test_pauses_grow_without_marching_in_step_and_stay_below_the_most() -> None:
    backoff = Backoff(0.5, 30.0, Random(1))
    pauses = [backoff.pause_s() for _ in range(200)]
    assert all(0.5 <= one <= 30.0 for one in pauses)
    assert all(later <= max(0.5, one) * 3 for one, later in pairwise(pauses))
    assert sum(pauses[100:]) / 100 > 5
    assert len({round(one, 6) for one in pauses if one < 30}) > 50
    backoff.reset()
    assert backoff.pause_s() <= 1.5


def test_patience_doubles_each_time_it_was_in_vain_and_an_ack_ends_that() -> None:
    patience = Patience(5.0, 60.0)
    assert patience.seconds == 5.0
    patience.in_vain()
    assert patience.seconds == 10.0
    for _ in range(20):
        patience.in_vain()
    assert patience.seconds == 60.0
    patience.heard(0.1)
    assert patience.seconds == 5.0


def test_where_acks_take_long_more_patience_is_had() -> None:
    patience = Patience(5.0, 60.0)
    for _ in range(50):
        patience.heard(3.0)
    assert 11.0 < patience.seconds <= 12.0
