"""`python -m sbir_cli` is the same as `sbir`."""

from sbir_cli.cli import main

main()
