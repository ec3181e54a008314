"""The API of points: what it refuses, who may set the rate, and many entries in pages."""

from tests.sync.pair import Central
from tests.sync.test_points import Till, handed, ref_of


def test_a_rate_that_nobody_means_is_refused_and_many_entries_come_in_pages(
    central: Central,
) -> None:
    for wrong in (-1, 1001, 1.5, "2", None):
        answer = central.post("/loyalty", {"points_per_unit": wrong})
        assert answer.status_code == 422, wrong
    assert central.get("/customers/c_nobody/points").status_code == 404
    for after in ("-1", "x", "²", "1" * 10):
        assert central.get(f"/customers/c_nobody/points?after={after}").status_code == 422
    central.place("R-1", {"4711": 1})
    token = central.post("/tokens", {"name": "shop", "role": "orders"}).json()["token"]
    admin, central.token = central.token, token
    assert central.post("/loyalty", {"points_per_unit": 1}).status_code == 403
    assert central.get(f"/customers/{ref_of(central, 'R-1')}/points").status_code == 200
    central.token = admin

    central.post("/loyalty", {"points_per_unit": 1})
    central.place("R-2", {"4711": 150})
    ref, till = ref_of(central, "R-2"), Till(central)
    till.say(*(handed("R-2", L1=1) for _ in range(130)))
    first = central.get(f"/customers/{ref}/points").json()
    rest = central.get(f"/customers/{ref}/points?after={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (100, 30, None)
    assert sum(one["points"] for one in (*first["items"], *rest["items"])) == first["balance"]
