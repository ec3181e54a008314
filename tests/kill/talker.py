"""A process with devices that observe sales all the time; it may be killed at any moment.

    python -m tests.kill.talker WITNESS OUTBOXES RATE ACCOUNT…

WITNESS gets a line before each observation (`? SALE`) and one after it (`! SALE`): what was said
to be kept must be committed once, what was only begun may be. SIGTERM, heard from `pid N` on, ends
observing; the process ends when the hub has everything.
"""

import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from devices.client import Account, DeviceClient
from hub.errors import Unavailable

SKU = "CHAOS"


def talk(client: DeviceClient, witness: int, rate: float, stop: threading.Event) -> None:
    life = f"{client.account.device}-{secrets.token_hex(4)}"
    due = time.monotonic()
    n = 0
    while not stop.wait(max(0.0, due - time.monotonic())):
        due = max(due + 1 / rate, time.monotonic() - 1)
        n += 1
        sale = f"{life}-{n}"
        note(witness, f"? {sale}")
        try:
            client.observe("sale", {"sale_id": sale, "lines": [{"sku": SKU, "qty": 1}]})
        except Unavailable:
            continue
        note(witness, f"! {sale}")


def note(witness: int, line: str) -> None:
    # One write, appended: what was written survives the process.
    os.write(witness, f"{line}\n".encode())


def main() -> None:
    witness = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    outboxes, rate = Path(sys.argv[2]), float(sys.argv[3])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    note(witness, f"pid {os.getpid()}")
    clients = [DeviceClient(Account.load(Path(path)), outboxes) for path in sys.argv[4:]]
    threads = [
        threading.Thread(target=talk, args=(client, witness, rate, stop)) for client in clients
    ]
    for one in [*clients, *threads]:
        one.start()
    stop.wait()
    for thread in threads:
        thread.join()
    drained = all(client.drained(300) for client in clients)
    for client in clients:
        client.stop()
    sys.exit(0 if drained else 1)


if __name__ == "__main__":
    main()
