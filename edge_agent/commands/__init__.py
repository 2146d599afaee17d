"""One module per command.

Each carries ``SUMMARY`` (one line), ``EXAMPLE`` (a command line as a person would type it),
``add_arguments(parser)`` and ``run(arguments) -> int`` (the exit status). cli.py imports just the one asked for.
"""
