"""The `handstamp` command, its settings, and which port gets which adapter."""

from importlib.metadata import version

__version__ = version("handstamp")
