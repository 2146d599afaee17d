"""
Fill in the bytes of golden vectors that were written down by their fields: ``python tests/golden_vectors.py``.

A new vector is added to firmware_bridge/golden_vectors.json by hand: a frame with name, type and fields, a rejection
with its reason and, as ``unframed``, the body without its CRC. This command adds body and wire. What is there already
is never changed: firmware in the field was tested against it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from cobs import cobs

from firmware_bridge.frames import Ack, Aux, Command, Frame, Hello, Samples, cobs_frame, encode

FILE = Path(__file__).parents[1] / "firmware_bridge" / "golden_vectors.json"
TYPES: dict[str, type[Frame]] = {"HELLO": Hello, "SAMPLES": Samples, "AUX": Aux, "CMD": Command, "ACK": Ack}


def frame_of(vector: dict[str, Any]) -> Frame:
    """Return the frame that a vector's fields describe."""
    fields = dict(vector["fields"])
    match vector["type"]:
        case "SAMPLES":
            fields["counts"] = np.array(fields["counts"], dtype=np.int32)
            fields["flags"] = np.array(fields["flags"], dtype=np.uint8)
        case "AUX":
            fields["temperatures_cdeg"] = tuple(fields["temperatures_cdeg"])
            fields["skipped"] = tuple(fields["skipped"])
        case "HELLO" if "firmware_version" in fields:
            fields["firmware_version"] = tuple(fields["firmware_version"])
            fields["chip_signature"] = bytes.fromhex(fields["chip_signature"])
        case "CMD" | "ACK":
            fields["payload"] = bytes.fromhex(fields["payload"])
    return TYPES[vector["type"]](**fields)


def filled(vectors: dict[str, Any]) -> dict[str, Any]:
    """Return the vectors with the bytes of those that had only fields."""
    frames = []
    for vector in vectors["frames"]:
        wire = encode(frame_of(vector))
        frames.append({**vector, "body": cobs.decode(wire[:-1]).hex(), "wire": wire.hex(), **vector})
    rejected = []
    for vector in vectors["rejected"]:
        known = {key: value for key, value in vector.items() if key != "unframed"}
        rejected.append(
            {**known, "wire": cobs_frame(bytes.fromhex(vector["unframed"])).hex()} if "unframed" in vector else known
        )
    return {**vectors, "frames": frames, "rejected": rejected}


def main() -> int:
    """Rewrite the file and say how many vectors were filled in."""
    before = json.loads(FILE.read_text("utf-8"))
    after = filled(before)
    FILE.write_text(json.dumps(after, indent=1) + "\n", "utf-8")
    new = sum(
        one != other for key in ("frames", "rejected") for one, other in zip(before[key], after[key], strict=True)
    )
    print(f"{FILE.name}: {len(after['frames'])} frames, {len(after['rejected'])} rejections, {new} filled in")
    return 0


if __name__ == "__main__":
    sys.exit(main())
