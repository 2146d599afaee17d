"""A frame's large picture: made when somebody asks, gone with the source's next take."""

from collections.abc import Callable

from edge_agent.vision.frames import ColourPicture


class LargePicture:
    """What a driver gives as `CameraFrame.colour`.

    Most frames show nothing new, so the large picture is converted only for those that do; until then it lies in the
    driver's buffer, which the next frame needs.

    Parameters
    ----------
    convert : callable
        Returns the picture in memory of its own, (height, width, 3).
    """

    def __init__(self, convert: Callable[[], ColourPicture]) -> None:
        self._convert: Callable[[], ColourPicture] | None = convert

    def __call__(self) -> ColourPicture:
        """Return the picture.

        Raises
        ------
        RuntimeError
            After the source's next `take` or its `stop`: the caller kept a frame for too long.
        """
        if self._convert is None:
            raise RuntimeError("the large picture of a frame is there until the next take, not after")
        return self._convert()

    def expire(self) -> None:
        """Let go of the driver's buffer."""
        self._convert = None
