"""Templates on disk: ``<state_dir>/appearance/<sku>.npz``, written whole or not at all, mode 0600."""

import re
import urllib.parse
from pathlib import Path

from edge_agent.config.revisions import write_durably
from edge_agent.errors import CameraError
from edge_agent.vision.templates import SkuTemplate, TemplateError, of_bytes, to_bytes

APPEARANCE = "appearance"
SUFFIX = ".npz"
MOST_BYTES = 2_000_000
"""Of a template file; one is about 200 kB (2026-12)."""


def template_path(state_dir: Path, sku: str) -> Path:
    """Return where a SKU's template is kept; what a file's name must not hold is written as %XX."""
    name = urllib.parse.quote(sku, safe=" +,@=")
    return state_dir / APPEARANCE / f"{re.sub(r'^[.]', '%2E', name)}{SUFFIX}"


def store_template(state_dir: Path, template: SkuTemplate) -> Path:
    """Keep a template in place of the SKU's older one; return its file.

    Raises
    ------
    ConfigError
        It cannot be written.
    """
    path = template_path(state_dir, template.sku)
    write_durably(path, to_bytes(template))
    return path


def load_template(state_dir: Path, sku: str) -> SkuTemplate | None:
    """Return a SKU's template, None where it is not enrolled.

    Raises
    ------
    CameraError
        The file cannot be read, is damaged, foreign, of another version or another SKU's.
    """
    path = template_path(state_dir, sku)
    try:
        return _read(path, sku)
    except FileNotFoundError:
        return None


def load_templates(state_dir: Path) -> list[SkuTemplate]:
    """Return the templates of all enrolled SKUs, by file name.

    Raises
    ------
    CameraError
        As for `load_template`; names the first such file.
    """
    return [_read(path, sku) for sku, path in _files(state_dir)]


def load_what_can_be_read(state_dir: Path) -> tuple[list[SkuTemplate], list[CameraError]]:
    """Return the templates that can be read and what is wrong with the others: a camera goes on with what it knows."""
    templates: list[SkuTemplate] = []
    errors: list[CameraError] = []
    for sku, path in _files(state_dir):
        try:
            templates.append(_read(path, sku))
        except CameraError as error:
            errors.append(error)
        except FileNotFoundError:  # removed just now
            continue
    return templates, errors


def remove_template(state_dir: Path, sku: str) -> bool:
    """Forget what a SKU looks like; return whether it was enrolled.

    Raises
    ------
    CameraError
        The file cannot be removed.
    """
    path = template_path(state_dir, sku)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CameraError(f"{path}: cannot be removed: {error.strerror}; run as the agent's user") from error
    return True


def _files(state_dir: Path) -> list[tuple[str, Path]]:
    directory = state_dir / APPEARANCE
    try:
        found = sorted(each for each in directory.iterdir() if each.suffix == SUFFIX and not each.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CameraError(f"{directory}: cannot be read: {error.strerror}; run as the agent's user") from error
    return [(urllib.parse.unquote(each.stem), each) for each in found]


def _read(path: Path, sku: str) -> SkuTemplate:
    again = f"enrol it again: edge-agent camera enrol {sku} --from FOLDER"
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CameraError(f"{path}: cannot be read: {error.strerror}; run as the agent's user") from error
    if len(content) > MOST_BYTES:
        raise CameraError(f"{path}: above {MOST_BYTES // 1_000_000} MB: it is no appearance template; {again}")
    try:
        template = of_bytes(content)
    except TemplateError as error:
        raise CameraError(f"{path}: {error}; {again}") from error
    if template.sku != sku:
        raise CameraError(f"{path}: it is the template of {template.sku}; {again}")
    return template
