"""Reading an evidence clip back: the pictures of its page."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np

from edge_agent.vision.frames import ColourPicture

PICTURE = re.compile(r'src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)"')


def pictures_of(page: Path) -> list[ColourPicture]:
    """Return a clip's pictures, red, green, blue."""
    found = []
    for each in PICTURE.findall(page.read_text()):
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(each), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        found.append(decoded[:, :, ::-1].astype(np.uint8))
    return found


def shows(picture: ColourPicture, colour: tuple[int, int, int], within: int = 60) -> bool:
    """Return whether a colour is in a picture, as far as JPEG keeps colours."""
    distance = np.abs(picture.astype(np.int32) - np.array(colour)).max(axis=2)
    return bool((distance <= within).any())
