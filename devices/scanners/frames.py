"""Where frames come from: a V4L2 camera, a video file, or a folder of pictures.

It must never keep old frames: `Latest` holds the newest one only, so that what is read is what
lies before the lens now.

Tested on files; no camera was at hand when this was written, so V4L2 is OpenCV's word for it.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import cv2

from hub.errors import Unavailable

REOPEN_S: Final = (0.5, 10.0)


class Frames(Protocol):
    """A source of pictures, 8 bits, BGR or grey."""

    def read(self) -> Any | None:
        """Return the next frame, or None at the end."""

    def close(self) -> None:
        """Let the source go."""


class VideoFrames:
    """A camera (`/dev/video0`, `0`) or a video file, through OpenCV."""

    def __init__(self, source: str, *, width: int = 1280, height: int = 720) -> None:
        camera = source.isdigit() or source.startswith("/dev/")
        where: Any = int(source) if source.isdigit() else source
        self._capture = cv2.VideoCapture(where, cv2.CAP_V4L2 if camera else cv2.CAP_ANY)
        if not self._capture.isOpened():
            raise Unavailable(f"No picture comes from {source}.", retry_after_s=REOPEN_S[0])
        if camera:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> Any | None:
        there, frame = self._capture.read()
        return frame if there else None

    def close(self) -> None:
        self._capture.release()


class FolderFrames:
    """The pictures of a folder in the order of their names; what is no picture is skipped."""

    def __init__(self, folder: Path) -> None:
        self._frames = _pictures(folder)

    def read(self) -> Any | None:
        return next(self._frames, None)

    def close(self) -> None:
        self._frames = iter(())


def _pictures(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.iterdir()):
        frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if frame is not None:
            yield frame


def open_source(source: str) -> Frames:
    """Open a camera, a video file or a folder. Raises `Unavailable`."""
    if Path(source).is_dir():
        return FolderFrames(Path(source))
    return VideoFrames(source)


class Latest:
    """Reads a source on a thread of its own and keeps the newest frame only.

    A source that ends or breaks is opened again, slower each time; `wait` then returns None.
    """

    def __init__(self, source: str, *, again: bool = True) -> None:
        self._source, self._again = source, again
        self._news = threading.Condition()
        self._frame: Any | None = None
        self._number = self._taken = 0
        self._stopping = self.ended = False
        self.trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="camera-frames", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> Any | None:
        """Return the newest frame that was not returned yet, or None after `timeout_s`."""
        with self._news:
            self._news.wait_for(lambda: self._number > self._taken or self.ended, timeout_s)
            if self._number == self._taken:
                return None
            self._taken = self._number
            return self._frame

    def stop(self) -> None:
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self._thread.join(5.0)

    def _run(self) -> None:
        pause = REOPEN_S[0]
        while not self._stopping:
            try:
                frames = open_source(self._source)
            except Unavailable as gone:
                self.trouble = gone.sentence
            else:
                self.trouble, pause = None, REOPEN_S[0]
                self._drain(frames)
                frames.close()
            if not self._again:
                break
            with self._news:
                self._news.wait_for(lambda: self._stopping, pause)
            pause = min(pause * 2.0, REOPEN_S[1])
        with self._news:
            self.ended = True
            self._news.notify_all()

    def _drain(self, frames: Frames) -> None:
        while not self._stopping:
            frame = frames.read()
            if frame is None:
                return
            with self._news:
                self._frame, self._number = frame, self._number + 1
                self._news.notify_all()
