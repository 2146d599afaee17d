"""What is kept of a SKU's photographs: features by which it is known again, as bytes with a version."""

import io
import json
import zipfile
from dataclasses import dataclass

import numpy as np

from edge_agent.vision.appearance_features import DESCRIPTOR_VERSION, NUMBERS, Numbers

FORMAT_VERSION = 1
FORMAT = "shelf-edge-agent appearance"


class TemplateError(ValueError):
    """Bytes that are no template, or one of another version."""


@dataclass(frozen=True, slots=True, eq=False)
class SkuTemplate:
    """What a SKU looks like.

    Attributes
    ----------
    sku : str
    version : int
        Counts the enrolments of this SKU.
    pictures : int
        Photographs that it was made of.
    source_digests : tuple of str
        SHA-256 of every photograph's pixels, hexadecimal.
    view : (n,) int32
        Which view of the product a feature belongs to.
    xy_px : (n, 2) float32
        Where in that view.
    descriptors : (n, NUMBERS) int8
    small : (pictures, 16, 16) uint8
        The photographs in grey, by which the same ones are noticed under another name.
    """

    sku: str
    version: int
    pictures: int
    source_digests: tuple[str, ...]
    view: Numbers
    xy_px: Numbers
    descriptors: Numbers
    small: Numbers


def to_bytes(template: SkuTemplate) -> bytes:
    """Return a template as an npz archive; equal templates give equal bytes."""
    words = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "descriptor_version": DESCRIPTOR_VERSION,
        "sku": template.sku,
        "version": template.version,
        "pictures": template.pictures,
        "source_digests": list(template.source_digests),
    }
    arrays = {
        "words": np.frombuffer(json.dumps(words, sort_keys=True).encode(), np.uint8),
        "view": template.view.astype(np.uint8),
        "xy_px": np.rint(template.xy_px * 8).astype(np.uint16),
        "descriptors": template.descriptors,
        "small": template.small,
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(entry, part.getvalue())
    return whole.getvalue()


def of_bytes(content: bytes) -> SkuTemplate:
    """Return the template that `to_bytes` made these bytes of.

    Raises
    ------
    TemplateError
        Truncated, foreign, or of another version; says which.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        words = json.loads(arrays["words"].tobytes())
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise TemplateError("it is no appearance template, or damaged") from error
    if not isinstance(words, dict) or words.get("format") != FORMAT:
        raise TemplateError("it is no appearance template")
    for name, ours in (("format_version", FORMAT_VERSION), ("descriptor_version", DESCRIPTOR_VERSION)):
        if words.get(name) != ours:
            raise TemplateError(f"its {name} is {words.get(name)}, this release reads {ours}")
    try:
        return _checked(words, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"it is damaged: {error}") from error


def _checked(words: dict[str, object], arrays: dict[str, Numbers]) -> SkuTemplate:
    view, at, descriptors, small = (arrays[name] for name in ("view", "xy_px", "descriptors", "small"))
    if descriptors.shape != (len(view), NUMBERS) or descriptors.dtype != np.int8:
        raise ValueError(f"descriptors of {descriptors.shape} {descriptors.dtype}")
    if at.shape != (len(view), 2) or small.shape[1:] != (16, 16):
        raise ValueError(f"positions of {at.shape}, small pictures of {small.shape}")
    digests, pictures, version = words["source_digests"], words["pictures"], words["version"]
    if not isinstance(digests, list) or not isinstance(pictures, int) or not isinstance(version, int):
        raise TypeError("its header")
    return SkuTemplate(
        str(words["sku"]),
        version,
        pictures,
        tuple(str(each) for each in digests),
        view.astype(np.int32),
        at.astype(np.float32) / 8,
        descriptors,
        small.astype(np.uint8),
    )
