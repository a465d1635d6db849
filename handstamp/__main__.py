"""Run the command as `python -m handstamp`."""

from handstamp.cli import main

main()
