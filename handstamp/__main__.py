"""Run the command as `python -m handstamp`."""

from handstamp.cli import main

if __name__ == "__main__":  # the demo's forks load this module too, under another name
    main()
