"""The command line: finds the command's module, prints errors as one line, and ends with their status."""

import argparse
import ast
import contextlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from edge_agent.errors import EdgeAgentError

DESCRIPTION = "Edge agent of a checkout-free store: load cells and cameras in, item events out."
COMMANDS: Mapping[str, str] = {
    "run": "run",
    "demo": "demo",
    "watch": "watch",
    "check": "check",
    "board list": "board_list",
    "board info": "board_info",
    "board identify": "board_identify",
    "board set": "board_set",
    "board self-test": "board_self_test",
    "board flash": "board_flash",
    "board diagnose": "board_diagnose",
    "camera commission": "camera_commission",
    "camera check": "camera_check",
    "camera enrol": "camera_enrol",
    "lab record": "lab_record",
    "lab replay": "lab_replay",
    "lab import": "lab_import",
    "lab score": "lab_score",
    "lab advise": "lab_advise",
    "lab appearance": "lab_appearance",
    "store ledger": "store_ledger",
    "store stock": "store_stock",
}
GROUPS: Mapping[str, str] = {
    "board": "load-cell boards on this unit",
    "camera": "a shelf's camera: put it up, check it, show it what is sold",
    "lab": "recordings: make, import, replay; scores and advice",
    "store": "the store's side: ledger and stock",
}
EXTRA_OF = {
    "cv2": "camera",
    "fpdf": "camera",
    "linuxpy": "usb-camera",
    "numpy": "hardware",
    "serial": "hardware",
    "cobs": "hardware",
    "sqlalchemy": "store",
    "mcap": "hardware",
    "amqtt": "lab",
}


def command_module(name: str) -> ModuleType:
    """Import the module behind a command, e.g. ``store ledger``."""
    return importlib.import_module(f"edge_agent.commands.{COMMANDS[name]}")


def summary(name: str) -> str:
    """Return a command's one line without importing it: an overview must not need every extra, nor wait for numpy."""
    source = Path(__file__).parent / "commands" / f"{COMMANDS[name]}.py"
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SUMMARY":
            return str(ast.literal_eval(statement.value))
    raise LookupError(f"{source} has no SUMMARY")


def main(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one for each way to end
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        name = _named(words)
        if name is None:
            return _overview(words)
        module = command_module(name)
        arguments = build_parser(name, module).parse_args(words[len(name.split()) :])
        return int(module.run(arguments))
    except EdgeAgentError as error:
        _last_words(f"edge-agent: {error}")
        return error.exit_status
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        _last_words(f"edge-agent: {error.name} is not installed: install this package with its extra [{extra}]")
        return 1
    except BrokenPipeError:  # `edge-agent watch | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # an unwritable terminal or file that no command expected
        _last_words(f"edge-agent: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _last_words(text: str) -> None:
    with contextlib.suppress(OSError, AttributeError):  # stderr may be closed or full as well
        encoding = sys.stderr.encoding or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def build_parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """Return the argument parser of one command, with its summary and example."""
    parser = argparse.ArgumentParser(
        prog=f"edge-agent {name}",
        description=module.SUMMARY,
        epilog=f"example:\n  {module.EXAMPLE}\n\nexit status: 0 done; others are listed in docs/commands.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def _named(words: Sequence[str]) -> str | None:
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name
    return None


def _overview(words: Sequence[str]) -> int:
    asked = [word for word in words if not word.startswith("-")]
    group = asked[0] if asked and asked[0] in GROUPS else None
    helped = not words or bool({"-h", "--help", "help"} & set(words))
    if words == ["--version"]:
        from edge_agent.version import software_version  # noqa: PLC0415 - reads package metadata, needed only here

        print(f"edge-agent {software_version()}")
        return 0
    stream = sys.stdout if helped else sys.stderr
    if not helped and group is None:
        print(f"edge-agent: no command {' '.join(words[:2])!r}", file=stream)
    print(f"usage: edge-agent {group or ''}{' ' if group else ''}COMMAND [-h] …\n\n{DESCRIPTION}\n", file=stream)
    for name in COMMANDS:
        if group is None or name.split()[0] == group:
            print(f"  {name:<18} {summary(name)}", file=stream)
    print("\n`edge-agent COMMAND --help` shows a command's options and an example.", file=stream)
    return 0 if helped and words else 2


if __name__ == "__main__":
    sys.exit(main())
