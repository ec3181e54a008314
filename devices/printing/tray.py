"""What came out of the sample store's printer, as files that the console shows.

It must never be there in a real store: its paper lies in a real tray.
"""

import re
from pathlib import Path
from typing import Final

KEPT: Final = 30
_NAME: Final = re.compile(r"[0-9]{6}", re.ASCII)


class Tray:
    """`directory` holds one picture a sheet; a file `empty` there means: no paper on the roll."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def there(self) -> bool:
        return self._directory.is_dir()

    def keep(self, picture: bytes) -> None:
        """Put a sheet on top; the oldest fall off the pile."""
        self._directory.mkdir(parents=True, exist_ok=True)
        names = self.sheets()
        name = f"{int(names[0]) + 1 if names else 1:06}"
        part = self._directory / f"{name}.part"
        part.write_bytes(picture)
        part.replace(self._directory / f"{name}.png")
        for old in names[KEPT - 1 :]:
            (self._directory / f"{old}.png").unlink(missing_ok=True)

    def sheets(self) -> list[str]:
        """Return the names of the sheets, the newest first."""
        found = [path.stem for path in self._directory.glob("*.png")]
        return sorted(filter(_NAME.fullmatch, found), reverse=True)

    def sheet(self, name: str) -> bytes | None:
        """Return the PNG of a sheet; None when it has fallen off the pile."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self._directory / f"{name}.png").read_bytes()
        except FileNotFoundError:
            return None

    def loaded(self) -> bool:
        return not (self._directory / "empty").exists()

    def load(self, paper: bool) -> None:
        """Put paper in, or take it out."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if paper:
            (self._directory / "empty").unlink(missing_ok=True)
        else:
            (self._directory / "empty").touch()
