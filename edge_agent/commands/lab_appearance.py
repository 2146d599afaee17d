"""Say how well the camera would tell products apart, from photographs of them that were held out."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_agent.appearance_anchors import nearest_neighbour, whole_picture
from edge_agent.appearance_trial import (
    FOLDS,
    Answers,
    Product,
    answers,
    looked_at_once,
    templates_without,
)
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import Progress, folded, say, table
from edge_agent.errors import CameraError, CommandLineError
from edge_agent.product_photographs import products_in, read_photograph
from edge_agent.vision.appearance import AppearanceModel
from edge_agent.vision.appearance_calibration import PHOTOGRAPHS
from edge_agent.vision.templates import to_bytes

SUMMARY = "say how well the camera would tell products apart, from photographs that were held out"
EXAMPLE = "edge-agent lab appearance --photos photographs --by sittings"

NEVER_FITTED = FOLDS - 1
"""With seed 1, the part of the photographs on which no weight of ours was fitted."""
TIMED = 20
FEWEST = 10
"""Photographs of a product that a trial in five parts needs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="a folder of photographs per product")
    parser.add_argument("--by", choices=("bursts", "sittings"), default="bursts", help="what is held out as a whole")
    parser.add_argument(
        "--parts", type=int, default=1, metavar="N", help=f"of {FOLDS} parts, how many are held out in turn (default 1)"
    )
    parser.add_argument(
        "--of", type=int, default=12, metavar="N", help="candidates of a question (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws parts and candidates (default %(default)s)")
    parser.add_argument(
        "--heights", type=int, nargs="*", default=[], metavar="PX", help="also reduced to these heights"
    )
    parser.add_argument("--anchors", action="store_true", help="also two plain ways on the same photographs")
    add_json_option(parser, "the table")


def run(arguments: argparse.Namespace) -> int:
    """Hold out, ask, and print the table."""
    if not 1 <= arguments.parts <= FOLDS:
        raise CommandLineError(f"--parts {arguments.parts}: allowed 1-{FOLDS}")
    if any(not 16 <= each <= 2000 for each in arguments.heights):
        raise CommandLineError(f"--heights {' '.join(map(str, arguments.heights))}: allowed 16-2000 px")
    found = products_in(arguments.photos)
    if not 2 <= arguments.of <= len(found):
        raise CommandLineError(
            f"--of {arguments.of}: {arguments.photos} holds {len(found)} products; allowed 2 to that"
        )
    progress = Progress()
    try:
        products = _products(found, progress)
        document = _document(arguments, products, progress)
    finally:
        progress.end()
    if arguments.json:
        say(json.dumps(document, indent=2))
    else:
        _print(document)
    return 0


def _products(found: dict[str, list[Path]], progress: Progress) -> list[Product]:
    products = []
    for number, (name, paths) in enumerate(found.items(), 1):
        if len(paths) < FEWEST:
            raise CameraError(f"{paths[0].parent}: {len(paths)} photographs; a trial needs {FEWEST} and more of each")
        progress.show(f"photographs of product {number} of {len(found)}: {name}")
        products.append(looked_at_once(name, [read_photograph(path) for path in paths]))
    return products


def _document(arguments: argparse.Namespace, products: Sequence[Product], progress: Progress) -> dict[str, Any]:
    held = list(range(FOLDS))[-arguments.parts :]
    by, of, seed = arguments.by, arguments.of, arguments.seed
    numbers = sorted({of, len(products)})
    asked = answers(products, by, held, numbers, seed, say=progress.show)
    rows = {f"1 of {number}": _figures(each) for number, each in asked.items()}
    for height in arguments.heights:
        reduced = answers(products, by, held, [of], seed, height, progress.show)[of]
        rows[f"1 of {of}, {height} px high"] = _figures(reduced)
    if arguments.anchors:
        progress.show("whole picture, linear")
        rows[f"whole picture, 1 of {of}"] = _figures(whole_picture(products, by, held, of, seed))
        nearest = nearest_neighbour(products, by, held, of, seed, progress.show)
        rows[f"nearest neighbour, 1 of {of}"] = _figures(nearest)
    return {
        "photographs": sum(len(each.photographs) for each in products),
        "products": len(products),
        "held_out_by": by,
        "parts": held,
        "seed": seed,
        "calibration_id": PHOTOGRAPHS.calibration_id,
        "rows": rows,
        "reliability": {
            f"1 of {number}": [
                {"answers": count, "sure": round(sure, 4), "right": round(right, 4)}
                for count, sure, right in each.reliability()
            ]
            for number, each in asked.items()
        },
        **_cost(products, by, held[-1], of, seed),
    }


def _figures(found: Answers) -> dict[str, Any]:
    low, high = found.interval
    error = found.calibration_error
    return {
        "answers": len(found.right),
        "right": round(found.share, 4),
        "interval": [round(low, 4), round(high, 4)],
        "calibration_error": None if error is None else round(error, 4),
        "calibration_error_by_chance": None if error is None else round(found.chance_error(1), 4),
    }


def _cost(products: Sequence[Product], by: str, held: int, of: int, seed: int) -> dict[str, float]:
    """Return milliseconds of processor time an item and kB a SKU."""
    templates = templates_without(products, by, held, seed)
    model = AppearanceModel(templates)
    spent = []
    for each in range(TIMED):
        product = products[each % len(products)]
        picture = product.pictures[each % len(product.pictures)]
        asked = [*templates][:of]
        began = time.process_time()
        model.log_likelihood(picture, asked)
        spent.append(time.process_time() - began)
    return {
        "ms_per_item": round(sorted(spent)[TIMED // 2] * 1e3, 1),
        "kb_per_sku_on_disk": round(sum(len(to_bytes(each)) for each in templates.values()) / len(templates) / 1e3, 1),
        "kb_per_sku_in_memory": round(model.bytes_held / len(templates) / 1e3, 1),
    }


def _print(document: dict[str, Any]) -> None:
    say(
        *folded(
            f"{document['photographs']} photographs of {document['products']} products, held out by"
            f" {document['held_out_by']}, parts {', '.join(str(each + 1) for each in document['parts'])} of {FOLDS},"
            f" seed {document['seed']}, calibration {document['calibration_id']}"
        ),
        "",
    )
    rows = [
        (
            name,
            str(each["answers"]),
            f"{each['right']:.1%}",
            "-".join(f"{end * 100:.1f}" for end in each["interval"]),
            "" if each["calibration_error"] is None else f"{each['calibration_error']:.1%}",
            "" if each["calibration_error"] is None else f"{each['calibration_error_by_chance']:.1%}",
        )
        for name, each in document["rows"].items()
    ]
    say(*table(("question", "answers", "right", "95 % interval", "calibration error", "by chance"), rows), "")
    for name, bins in document["reliability"].items():
        cells = [(str(each["answers"]), f"{each['sure']:.1%}", f"{each['right']:.1%}") for each in bins]
        say(f"reliability, {name}", *table(("answers", "sure", "right"), cells), "")
    say(
        f"{document['ms_per_item']} ms of one core an item, {document['kb_per_sku_on_disk']} kB a SKU on disk,"
        f" {document['kb_per_sku_in_memory']} kB in memory"
    )
