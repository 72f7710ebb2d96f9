"""Why a training has ended that was killed by a signal and could not say so."""

import signal

_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


def explain_signal(number: int) -> str:
    """Says what killed a training, and what may have been the reason."""
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if number == signal.SIGTERM:
        return f"it was stopped by {name}"
    if number == signal.SIGKILL:
        return f"it was killed by {name}, as the kernel does where memory is short; give it more, or let it need less"
    return f"it was killed by {name}{': Python or a library has crashed' if number in _CRASHES else ''}"
