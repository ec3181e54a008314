from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub import commands
from hub.commands import Reply
from hub.errors import NotFound, Refusal, Unavailable
from hub.journal import Transaction
from tests.hub.kernel import Counted, Kernel, running


def sell(
    kernel: Kernel, key: str | None = "k1", body: bytes = b"{}", actor: str = "token:till"
) -> Reply:
    def command(tx: Transaction) -> Reply:
        def work(cause: str) -> tuple[int, Any]:
            tx.append([Counted("sold", 1)], cause=cause, actor=actor)
            return 201, {"sold": tx.conn.execute("SELECT total FROM tally").fetchone()[0]}

        return commands.run(tx, actor=actor, route="POST /sales", key=key, body=body, work=work)

    return kernel.writer.run(command)


def test_the_same_command_twice_has_one_effect_and_the_same_answer(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        first, second = sell(kernel), sell(kernel)
        assert (first.status, first.body) == (second.status, second.body) == (201, b'{"sold":1}')
        assert (first.replayed, second.replayed) == (False, True)
        assert kernel.total("sold") == 1


def test_a_key_counts_for_its_actor_alone(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        sell(kernel)
        sell(kernel, actor="token:other")
        assert kernel.total("sold") == 2


def test_without_a_key_each_command_is_its_own(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        sell(kernel, key=None)
        sell(kernel, key=None)
        assert kernel.total("sold") == 2


def test_a_key_that_comes_with_another_body_is_a_problem(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        sell(kernel)
        reply = sell(kernel, body=b'{"other":1}')
        assert reply.status == 422
        assert (
            msgspec.json.decode(reply.body)["type"] == "urn:storehub:problem:idempotency-key-reused"
        )
        assert kernel.total("sold") == 1


@pytest.mark.parametrize(("error", "status"), [(Refusal("Sold out."), 409), (NotFound("No."), 404)])
def test_a_refusal_is_remembered_and_leaves_nothing_behind(
    tmp_path: Path, error: Exception, status: int
) -> None:
    calls = []

    def command(tx: Transaction) -> Reply:
        def work(cause: str) -> tuple[int, Any]:
            calls.append(cause)
            tx.append([Counted("sold", 1)], cause=cause, actor="a")
            raise error

        return commands.run(tx, actor="a", route="r", key="k", body=b"", work=work)

    with running(tmp_path) as kernel:
        first, second = kernel.writer.run(command), kernel.writer.run(command)
        assert first.status == second.status == status
        assert second.replayed
        assert len(calls) == 1
        assert kernel.total("sold") == 0


def test_an_unavailability_is_not_remembered(tmp_path: Path) -> None:
    answers: list[Any] = [Unavailable("Later."), (200, "done")]

    def command(tx: Transaction) -> Reply:
        def work(cause: str) -> tuple[int, Any]:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

        return commands.run(tx, actor="a", route="r", key="k", body=b"", work=work)

    with running(tmp_path) as kernel:
        with pytest.raises(Unavailable):
            kernel.writer.run(command)
        assert kernel.writer.run(command).status == 200


def test_after_72_hours_the_journal_still_knows_the_command(tmp_path: Path) -> None:
    with running(tmp_path) as kernel:
        sell(kernel)
        kernel.clock.advance(timedelta(hours=72))
        assert kernel.writer.run(commands.forget) == 0
        kernel.clock.advance(timedelta(milliseconds=1))
        assert kernel.writer.run(commands.forget) == 1
        again = sell(kernel)
        assert (again.status, again.replayed) == (200, True)
        assert kernel.total("sold") == 1
