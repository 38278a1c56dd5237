"""`python -m qlift.cli`: the `qlift` command."""

from qlift.cli import main

main()
