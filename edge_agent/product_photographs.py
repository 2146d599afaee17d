"""Photographs of products in folders: read, bounded, and named where they are none."""

from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import CameraError
from edge_agent.vision.frames import ColourPicture

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MOST_BYTES = 64 * 1024 * 1024
"""Of one photograph: an uncompressed 20-megapixel picture (2026-12)."""
MOST_PHOTOGRAPHS = 200
"""Of one product: every two are compared."""


def photographs_in(folder: Path) -> list[Path]:
    """Return the photographs in a folder, by name; sub-folders are not looked into.

    Raises
    ------
    CameraError
        It is no folder, holds no photograph, or too many.
    """
    try:
        found = sorted(each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
    except OSError as error:
        raise CameraError(f"{folder}: {error.strerror}; name a folder of photographs with --from") from error
    if not found:
        listed = ", ".join(sorted(SUFFIXES))
        raise CameraError(f"{folder}: no photograph in it ({listed}); name a folder of photographs with --from")
    if len(found) > MOST_PHOTOGRAPHS:
        raise CameraError(f"{folder}: {len(found)} photographs, {MOST_PHOTOGRAPHS} are enough; keep the most different")
    return found


def products_in(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs of every folder below ``folder`` that holds some, by the folder's name.

    Raises
    ------
    CameraError
        There are none, or two folders have one name.
    """
    products: dict[str, list[Path]] = {}
    for each in sorted(found for found in folder.rglob("*") if found.is_dir()):
        photographs = sorted(one for one in each.iterdir() if one.suffix.lower() in SUFFIXES)
        if photographs and each.name in products:
            raise CameraError(f"{each}: a second folder named {each.name}; a product is named by its folder")
        if photographs:
            products[each.name] = photographs
    if not products:
        raise CameraError(f"{folder}: no folder of photographs in it; give each product a folder with its name")
    return products


def read_photograph(path: Path) -> ColourPicture:
    """Return a photograph, (height, width, 3) red, green, blue.

    Raises
    ------
    CameraError
        It cannot be read, is too large, or is no picture.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CameraError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise CameraError(f"{path}: above {MOST_BYTES >> 20} MB; save it smaller")
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        picture = None
    if picture is None:
        raise CameraError(f"{path}: is no picture that can be read; take it away or save it again as JPEG or PNG")
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)
