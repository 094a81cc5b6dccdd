"""The command line: options, printing, exit codes. The work is done by the packages below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbir_cli.cli.commands import app as app


def main() -> None:
    """The console script `sbir`."""
    from sbir_cli.cli import process

    process.mend_width()
    process.handle_interrupts()
    process.outlive_memory_limit()
    try:
        from sbir_cli.cli.commands import app

        app()
    except KeyboardInterrupt:  # before a command began
        process.leave()
    except SystemExit as end:
        if end.code == process.INTERRUPTED:
            process.leave()  # while Python tidies up, one more Ctrl-C would end in a traceback
        raise


def __getattr__(name: str) -> Any:  # `app`, imported late: until `main` runs, Ctrl-C is Python's
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sbir_cli.cli import commands

    return commands.app
