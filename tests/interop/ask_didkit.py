"""didkit, in a process of its own: the thread that it leaves behind crashes a Python that ends in the usual way.

A request a line as JSON, a reply a line, as in `speak.mjs`. What didkit says is passed on as it says it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import didkit


async def answer(action: str, *arguments: str) -> Any:
    """Call one function of didkit; what it takes and returns is text, mostly JSON."""
    result = getattr(didkit, action)(*arguments)
    return await result if asyncio.isfuture(result) or hasattr(result, "__await__") else result


async def converse() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"result": await answer(request["action"], *request["arguments"])}
        except Exception as error:  # noqa: BLE001 - whatever it says is its answer
            reply = {"refused": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(converse())
    os._exit(0)
