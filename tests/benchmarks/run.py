"""Measure every benchmark of this folder side by side with its peer; print the table and write build/bench.json.

A benchmark is a module ``bench_<room>.py`` here with ``rows() -> list[Row]``.
"""

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def main() -> int:
    """Run the modules named on the command line, or all."""
    from bench_row import Row  # noqa: PLC0415 - found through the path set above

    wanted = sys.argv[1:]
    modules = sorted(path.stem for path in HERE.glob("bench_*.py") if path.stem != "bench_row")
    rows: list[Row] = []
    for name in modules:
        if wanted and name.removeprefix("bench_") not in wanted:
            continue
        print(f"measuring {name.removeprefix('bench_')} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(name).rows()
    widths = (46, 12, 14, 34, 12, 9)
    heads = ("figure", "value", "unit", "peer", "peer value", "ratio")
    print("  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)) + "  goal")
    for row in rows:
        peer_value = "" if row.peer_value is None else f"{row.peer_value:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}×"
        cells = (row.name, f"{row.value:.4g}", row.unit, row.peer, peer_value, ratio)
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + f"  {row.goal}")
    target = HERE.parents[1] / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    print(f"written: {target.relative_to(HERE.parents[1])}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
