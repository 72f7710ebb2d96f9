"""Doing something in a fork of this process, so that nothing of it stays here."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any


def call_in_fork(action: Callable[[], Any]) -> Any:
    """Returns what ``action`` has returned in a fork, as JSON has it; ends the benchmark if it has failed."""
    gc.collect()
    gc.freeze()  # what this process has made is not looked at in the fork, and so not copied
    read_end, write_end = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            answer = json.dumps(action()).encode()
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(answer)
        except BaseException:  # noqa: BLE001 - whatever it is, the fork does not go on as this process
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    gc.unfreeze()
    if not answer:
        sys.exit("a process of the benchmark has failed")
    return json.loads(answer)
