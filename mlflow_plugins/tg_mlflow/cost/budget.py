"""What several trainings have cost so far, and the bound that they must not pass together."""

import threading
from collections.abc import Callable


class Budget:
    """Adds up what jobs cost; threads share it.

    A job that runs also counts with what it may cost until it has stopped, so that the bound holds in the end.

    Args:
        most_usd: The bound; ``None`` for none.
        spent_usd: What was spent before.
    """

    def __init__(self, most_usd: float | None = None, spent_usd: float = 0) -> None:
        self.most_usd = most_usd
        self._spent_usd = spent_usd
        self._jobs: dict[str, tuple[float, float]] = {}
        self._listeners: list[Callable[[str], object]] = []
        self._is_reached = False
        self._lock = threading.Lock()

    @property
    def is_reached(self) -> bool:
        """Whether the bound was reached; it stays so."""
        return self._is_reached

    @property
    def reason(self) -> str:
        """Why trainings are stopped, in a line."""
        return f"the cost has reached max_cost, {self.most_usd:.2f} USD"

    @property
    def usd(self) -> float:
        """What all jobs have cost so far."""
        with self._lock:
            return self._spent_usd + sum(usd for usd, _ in self._jobs.values())

    def is_spent(self, tolerance_usd: float) -> bool:
        """Whether all of it is spent, or nearly so: AWS counts whole seconds."""
        return self.most_usd is not None and self.usd >= self.most_usd - tolerance_usd

    def when_reached(self, listener: Callable[[str], object]) -> None:
        """Calls a function once, with the reason, when the bound is reached; it must be quick."""
        self._listeners.append(listener)

    def note(self, job_id: str, usd: float, stop_usd: float = 0) -> bool:
        """Notes what a job has cost so far.

        Args:
            job_id: The job.
            usd: What it has cost.
            stop_usd: What it may cost besides until it has stopped; nothing once it has ended.

        Returns:
            Whether the bound is reached.
        """
        with self._lock:
            self._jobs[job_id] = usd, stop_usd
            total = self._spent_usd + sum(map(sum, self._jobs.values()))
            is_first = self.most_usd is not None and total >= self.most_usd and not self._is_reached
            self._is_reached |= is_first
        if is_first:
            for listener in self._listeners:
                listener(self.reason)
        return self._is_reached
