"""Walks over all calls that a training makes, each with each fault."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.integration.seams.faults import Calls, Fault, OrderedFault
from tests.integration.seams.scene import Scene
from tests.integration.seams.snapshot import Snapshot, take_snapshot
from tests.integration.seams.verdict import Verdict

EVERY_CALL = "every call"


@dataclass(frozen=True)
class Cell:
    """One cell of the table.

    Attributes:
        call: The name of the calls that went wrong.
        fault: How they did.
        verdict: What became of the training.
        output: All that the launcher has said.
    """

    call: str
    fault: Fault
    verdict: Verdict
    output: str


@dataclass(frozen=True)
class Record:
    """What a training does and leaves if nothing goes wrong.

    Attributes:
        calls: The names of its calls, in the order in which they first came.
        whole: What its run has.
    """

    calls: Sequence[str]
    whole: Snapshot


def record(scene: Scene, word: str) -> Record:
    """Trains without a fault, with the verdict that is given."""
    calls = Calls()
    remains = scene.train("undisturbed", calls)
    assert remains.exit_code == 0, remains.output
    (run,) = remains.client.search_runs([remains.experiment_id])
    found = Record(list(calls.names), take_snapshot(remains.client, run.info.run_id, remains.folder))
    verdict = scene.judge(remains, found.whole)
    assert verdict == Verdict(word), remains.output
    return found


def walk(scene: Scene, whole: Snapshot, faults: Iterable[OrderedFault], workers: int = 4) -> list[Cell]:
    """Trains once with each fault.

    Returns:
        The cells, without those whose calls did not come.
    """

    def visit(ordered: OrderedFault) -> Cell | None:
        call = ordered.call or EVERY_CALL
        name = re.sub(r"\W+", "-", f"{call.replace('*', 'any')} {ordered.fault.value}")
        remains = scene.train(name, Calls(ordered))
        return Cell(call, ordered.fault, scene.judge(remains, whole), remains.output) if ordered.names else None

    with ThreadPoolExecutor(workers) as pool:
        return [cell for cell in pool.map(visit, faults) if cell is not None]


def order_all(calls: Sequence[str]) -> list[OrderedFault]:
    """Orders each fault for each call."""
    return [OrderedFault(fault, call) for call in calls for fault in Fault]


def order_some(calls: Sequence[str], decisive: Sequence[str]) -> list[OrderedFault]:
    """Orders what costs little: faults that a training outlives for all calls at once, others in turns for few calls.

    Args:
        calls: All calls.
        decisive: Those that end a training the first time that they are refused: they meet their faults by themselves.
    """
    shared = [OrderedFault(fault, None, decisive) for fault in (Fault.ONCE, Fault.AWAY, Fault.LOST)]
    own = [OrderedFault(fault, call) for call in decisive for fault in (Fault.ONCE, Fault.LOST)]
    return [*shared, *own, *order_turns(calls[::12], [Fault.EVER, Fault.HANGS])]


def order_turns(calls: Sequence[str], faults: Sequence[Fault]) -> list[OrderedFault]:
    """Orders one fault for each call; the faults take turns."""
    return [OrderedFault(faults[number % len(faults)], call) for number, call in enumerate(calls)]


def assert_nothing_is_lost(
    title: str,
    scene: Scene,
    order: Callable[[Sequence[str]], Iterable[OrderedFault]],
    is_meant: Callable[[str], object] = lambda call: True,
    word: str = "FINISHED, whole",
) -> None:
    """Walks over the calls of a scene, and checks every cell that is ordered.

    With ``TG_SEAMS_TABLE``, all cells are visited, and the table is added to the file of this name.

    Args:
        title: What the table is called.
        scene: The scene.
        order: Orders faults for the calls that an undisturbed training makes.
        is_meant: Whether a call is to go wrong; the others are those of another scene.
        word: What is so where nothing goes wrong.
    """
    undisturbed = record(scene, word)
    table = os.environ.get("TG_SEAMS_TABLE")
    calls = [each for each in undisturbed.calls if is_meant(each)]
    cells = walk(scene, undisturbed.whole, (order_all if table else order)(calls))
    if table:
        with open(table, "a", encoding="utf-8") as file:
            file.write(format_table(title, cells) + "\n")
    wrong = [cell for cell in cells if cell.verdict.faults]
    assert not wrong, "\n".join(
        f"--- {cell.call}, {cell.fault.value}: {cell.verdict}; the launcher has said:\n{cell.output}" for cell in wrong
    )


def format_table(title: str, cells: Sequence[Cell]) -> str:
    """Writes a table in Markdown: a line for each call, a column for each fault."""
    words = {(cell.call, cell.fault): cell.verdict for cell in cells}
    lines = [f"### {title}", "", f"| call | {' | '.join(fault.value for fault in Fault)} |", "|---" * 6 + "|"]
    for call in dict.fromkeys(cell.call for cell in cells):
        row = [_format(words.get((call, fault))) for fault in Fault]
        lines.append(f"| `{call}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _format(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return verdict.word + (f" — **{'; '.join(verdict.faults)}**" if verdict.faults else "").replace("\n", " ")
