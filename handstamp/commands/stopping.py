"""What ends a command in its middle: Ctrl-C, systemd, or a terminal that goes away."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from handstamp.terminal import Terminal

_ENDINGS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def stoppable(words: str) -> Iterator[Callable[[], None]]:
    """Let whoever ends the command see `words`, after what was begun was undone; a second wish does not disturb that.

    Gives what is called when nothing is undone any more: then the little that is left is done, whoever wants to end it.

    Args:
        words: how things stand then.
    """

    def ignore() -> None:
        for each in caught:
            signal.signal(each, signal.SIG_IGN)

    def stop(_number: int, _frame: FrameType | None) -> None:
        ignore()
        raise KeyboardInterrupt

    caught = [each for each in _ENDINGS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, stop) for each in caught}
    try:
        yield ignore
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # nobody may be there any more to read it
            Terminal(stderr=True, highlight=False).print(f"\nStopped. {words}", soft_wrap=True)
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
