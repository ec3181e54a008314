"""Many hubs at once: a few are served, some wait, the others are told when to come back."""

import socket
import threading
import time
from pathlib import Path

import pytest
import requests

from hub.chain import ORIGIN
from hub.errors import Unavailable
from sync.central.turns import RUNNING, Away, Running, Turns
from tests.sync.pair import Central, order_body, push, received, until


def test_who_finds_no_room_is_sent_away_and_the_room_comes_back() -> None:
    turns = Turns(Running(), at_once=1, waiting=0)
    with turns.turn():
        with pytest.raises(Unavailable) as refused, turns.turn():
            pass
        assert refused.value.retry_after_s >= 2
    with turns.turn():
        pass


def test_the_more_are_sent_away_the_later_they_come_back_and_never_after_a_minute() -> None:
    now = [0.0]
    away = Away(lambda: now[0])
    assert max(away.told().retry_after_s for _ in range(100)) <= 15
    assert 15 < max(away.told().retry_after_s for _ in range(2000)) <= 60
    now[0] = 31.0
    assert max(away.told().retry_after_s for _ in range(100)) <= 15


def test_where_all_places_are_taken_a_hub_is_sent_away_at_once_and_an_order_is_taken(
    tmp_path: Path,
) -> None:
    central = Central(tmp_path)
    try:
        line = central.running.app.extensions["pushes"]
        while line._room.acquire(blocking=False):
            pass
        answer = push(central, ORIGIN, [received("a", "4711", 1)])
        assert answer.status_code == 503
        assert answer.headers["X-StoreHub-Protocol"] == "1"
        assert int(answer.headers["Retry-After"]) >= 2
        assert answer.json()["detail"] == "Too many stores ask at once."
        central.place("R-1", {"4711": 1})
        metrics = requests.get(f"{central.url}/metrics", timeout=20).text
        assert 'central_refusals_total{door="push",status="503"} 1.0' in metrics
    finally:
        central.stop()


def test_who_waits_for_news_keeps_nobody_from_a_turn() -> None:
    turns = Turns(Running(), at_once=1, waiting=0)
    with turns.turn(), turns.aside(), turns.turn():
        pass
    with turns.turn():
        pass


def test_few_run_and_who_stands_aside_lets_others_run() -> None:
    running = Running(1)
    inside: list[int] = []

    def enter() -> None:
        with running.inside():
            inside.append(1)

    with running.inside():
        other = threading.Thread(target=enter)
        other.start()
        assert not inside
        with running.aside():
            other.join(60)
    assert inside == [1]


def test_clients_that_begin_to_speak_and_stop_hold_up_nobody(tmp_path: Path) -> None:
    central = Central(tmp_path)
    half = (
        b"POST /api/v1/orders HTTP/1.1\r\nHost: central\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: central\r\nContent-Length: 99\r\n\r\n{",
    )
    silent = [socket.create_connection(("127.0.0.1", central.port)) for _ in range(RUNNING + 2)]
    try:
        for n, one in enumerate(silent):
            one.sendall(half[n % 2])
        time.sleep(0.2)  # they have a thread each
        assert central.post("/orders", order_body("R-1", {"4711": 1})).status_code == 201
    finally:
        for one in silent:
            one.close()
        central.stop()


def test_an_order_is_taken_in_while_hubs_have_no_room(tmp_path: Path) -> None:
    central = Central(tmp_path)
    central.running.app.extensions["turns"] = turns = Turns(Running(), at_once=1, waiting=0)
    try:
        with turns.turn():
            away = central.door("/digest")
            assert away.status_code == 503
            assert int(away.headers["Retry-After"]) >= 2
            assert central.post("/orders", order_body("R-1", {"4711": 1})).status_code == 201
        assert central.door("/digest").status_code == 200
    finally:
        central.stop()


def test_a_parked_reader_takes_no_turn(tmp_path: Path) -> None:
    central = Central(tmp_path)
    central.running.app.extensions["turns"] = Turns(Running(), at_once=1, waiting=0)
    answers: list[requests.Response] = []
    try:
        waiter = threading.Thread(
            target=lambda: answers.append(
                central.door("/feed", params={"stream": "commands", "after": 0, "wait": 20})
            )
        )
        waiter.start()
        until(
            lambda: central.running.inventory.store.bell._parked.get("commands:store-1"), "parked"
        )
        assert central.door("/digest").status_code == 200
        central.place("R-1", {"4711": 1})
        waiter.join(60)
        assert len(answers[0].json()["rows"]) == 1
    finally:
        central.stop()
