"""The installed version, as events and `info` name it."""

from importlib.metadata import PackageNotFoundError, version


def software_version() -> str:
    """Return the package's version, or ``unknown`` when it runs from an uninstalled tree."""
    try:
        return version("shelf-edge-agent")
    except PackageNotFoundError:
        return "unknown"
