"""The sample store's printer: the real printer's side before a printer made of software.

It must never skip a part that a real printer has: broker, queue, ESC/POS, paper that can run out.
"""

import threading
from pathlib import Path
from typing import Final

from PIL import Image

from devices.client import Account, DeviceClient
from devices.printing import printer
from devices.printing.double import PaperDouble
from devices.printing.render import as_png
from devices.printing.tray import Tray

LOOK_S: Final = 0.2


def run(account: Account, directory: Path, stop: threading.Event) -> None:
    """Print into `directory`/paper until `stop`."""
    tray = Tray(directory / "paper")
    tray.load(tray.loaded())

    def out(paper: Image.Image) -> None:
        tray.keep(as_png(paper))

    with PaperDouble(on_paper=out) as double:
        double.state.paper = tray.loaded()
        client = DeviceClient(account, directory / "devices", heartbeat_s=60)
        settings = printer.PrinterSettings(double.address, again_s=0.5)
        thread = threading.Thread(target=printer.run, args=(settings, client, stop))
        thread.start()
        client.start()
        try:
            while not stop.wait(LOOK_S):
                double.state.paper = tray.loaded()
        finally:
            stop.set()
            thread.join()
            client.stop()
