"""Draws pictures of splitters, metrics and so on, from what these do: ``python docs/_site/pictures.py``.

It writes them to ``docs/images``, where they are kept, so that the pages can be read without building them. The
screenshots beside them come from ``screenshots.py``.
"""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import accuracy_score, roc_auc_score

from tg.common.ml import dft
from tg.common.ml import incremental_training as inc
from tg.common.ml import single_frame_training as sft
from tg.common.ml.incremental_training.row_groups import find_row_groups, open_parquet
from tg.common.ml.incremental_training.window_reader import WindowReader

LEFT_OUT, LEARNED, TESTED, VALIDATED = "#dddddd", "#3f51b5", "#ff9800", "#8bc34a"
_COLUMN_COLOURS = {"age": "#c5cae9", "sex": "#ffe0b2", "member": "#dcedc8", "joined": "#f8bbd0"}
_STAGES = {"test": 2, "validation": 3, "2024": 2, "2025": 3}


def draw_splitters() -> Figure:
    """Each splitter as strips, one for each of its splits, with a box for each of twenty rows in order of time."""
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2026-01-01", periods=20),
            "customer": np.repeat(["a", "b", "c", "d", "e"], 4),
            "part": ["train"] * 10 + ["2024"] * 5 + ["2025"] * 5,
            "label": [0, 0, 0, 0, 1] * 4,
        }
    )
    days = timedelta(days=4)
    splitters: dict[str, sft.Splitter] = {
        "IdentitySplitter()": sft.IdentitySplitter(),
        "FoldSplitter()": sft.FoldSplitter(),
        "FoldSplitter(fold_count=3)": sft.FoldSplitter(fold_count=3),
        'GroupSplitter("customer", fold_count=3)': sft.GroupSplitter("customer", fold_count=3),
        'OneTimeSplitter("day")': sft.OneTimeSplitter("day"),
        'TimeSplitter("day", timedelta(days=4))': sft.TimeSplitter("day", days),
        "TimeSplitter(…, train_span=timedelta(days=4), gap=timedelta(days=2))": sft.TimeSplitter(
            "day", days, train_span=days, gap=timedelta(days=2)
        ),
        'PredefinedSplitter("part")': sft.PredefinedSplitter("part"),
        'CompositionSplitter(OneTimeSplitter("day"), FoldSplitter(test_name="validation"))': sft.CompositionSplitter(
            sft.OneTimeSplitter("day"), sft.FoldSplitter(test_name="validation")
        ),
    }
    strips = {name: _find_strips(frame, splitter) for name, splitter in splitters.items()}
    figure = Figure(figsize=(8, 7.5), layout="constrained")
    all_axes = figure.subplots(len(strips), 1, height_ratios=[len(each) + 0.6 for each in strips.values()])
    for axes, (name, rows) in zip(all_axes, strips.items(), strict=True):
        colours = ListedColormap([LEFT_OUT, LEARNED, TESTED, VALIDATED])
        axes.pcolormesh(rows[::-1], cmap=colours, vmin=0, vmax=3, edgecolors="white", linewidth=2)
        axes.set_title(name, fontsize=9, family="monospace", loc="left")
        axes.set_axis_off()
    for number, (name, colour) in enumerate(
        {"left out": LEFT_OUT, "learned from": LEARNED, "tested": TESTED, "a second stage": VALIDATED}.items()
    ):
        figure.text(0.02 + number * 0.2, -0.02, f"■ {name}", color=colour, fontsize=10, weight="bold")
    return figure


def _find_strips(frame: pd.DataFrame, splitter: sft.Splitter) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    rows = []
    for split in splitter.split(frame):
        row = np.zeros(len(frame), dtype=int)
        row[split.train] = 1
        for name, positions in split.tests.items():
            row[positions] = _STAGES[name]
        rows.append(row)
    return np.array(rows)


def draw_metrics() -> Figure:
    """The scores of two classes, with what a threshold makes of them."""
    random = np.random.default_rng(1)
    result = pd.DataFrame({"true": np.repeat([0.0, 1.0], 40), "stage": "test"})
    result["predicted"] = 1 / (1 + np.exp(-random.normal(2 * result["true"] - 1, 1.2)))
    pool = sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(accuracy_score, threshold=0.5)
    values = pool.measure(result, ["test"])
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    axes = figure.subplots()
    for true, colour in ((0.0, LEARNED), (1.0, TESTED)):
        part = result[result["true"] == true]
        heights = true + random.uniform(-0.2, 0.2, len(part))
        axes.scatter(part["predicted"], heights, color=colour, s=18, label=f"true is {true:g}")
    axes.axvline(0.5, color="grey", linestyle="--")
    axes.text(0.505, 0.5, "threshold=0.5", color="grey", va="center")
    axes.set(xlabel="predicted", yticks=[0, 1], ylabel="true", xlim=(0, 1))
    axes.set_title(
        "   ".join(f"{name} = {value:.3f}" for name, value in values.items()), fontsize=10, family="monospace"
    )
    return figure


def draw_transformers() -> Figure:
    """A small table, and the table that the default factory makes of it."""
    frame = pd.DataFrame(
        {
            "age": [22.0, 38.0, None, 35.0, 54.0],
            "sex": ["male", "female", "female", None, "male"],
            "member": [True, False, True, True, False],
            "joined": pd.to_datetime(["2024-01-05", "2024-06-30", "2025-02-11", "2025-02-12", "2025-11-30"]),
        }
    )
    made = dft.DataFrameTransformerFactory.default_factory().fit_transform(frame)
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    above, below = figure.subplots(2, 1)
    for axes, table, title in (
        (above, frame.assign(joined=frame["joined"].dt.date.astype(str)), "the table"),
        (below, made.round(2), "what the model sees"),
    ):
        axes.set_axis_off()
        axes.set_title(title, fontsize=10, loc="left")
        texts = [["" if pd.isna(value) else str(value) for value in row] for row in table.to_numpy(dtype=object)]
        drawn = axes.table(texts, colLabels=list(table.columns), loc="center", cellLoc="right")
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(7)
        for (row, column), cell in drawn.get_celld().items():
            cell.set_edgecolor("#bbbbbb")
            if row == 0:
                source = str(table.columns[column]).partition("_")[0]
                cell.set_facecolor(
                    {"age": "#c5cae9", "sex": "#ffe0b2", "member": "#dcedc8", "joined": "#f8bbd0"}[source]
                )
    return figure


def draw_batches() -> Figure:
    """The rows of two files, a window of them, and its batches, as they are read and learned from."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            rows = pd.DataFrame({"x": np.arange(24) + 24 * number})
            rows.to_parquet(Path(folder) / f"{number}.parquet", row_group_size=8)
        table = open_parquet(folder)
        reader = WindowReader(table, find_row_groups(table), size=16, seed=1)
        windows = [window.positions for window in reader.read(epoch=0)]
    split = inc.HashSplit(test_share=0.2)
    is_tested = split.find_tested(None, np.arange(48))
    learned = [reader.shuffle(np.flatnonzero(~is_tested[each]), 0, number) for number, each in enumerate(windows)]
    strips = {
        "two files, in row groups; the hash of its key says whether a row is tested": [
            np.arange(24),
            np.arange(24, 48),
        ],
        "an epoch: row groups in a random order, cut into windows": windows,
        "each window without tested rows, in a random order, cut into batches": [
            part
            for window, rows in zip(windows, learned, strict=True)
            for part in np.array_split(window[rows], -(-len(rows) // 7))
        ],
    }
    figure = Figure(figsize=(8, 2.9), layout="constrained")
    shades = ListedColormap([TESTED, *(colormaps["GnBu"](0.3 + 0.14 * each) for each in range(6))])
    for axes, (name, parts) in zip(figure.subplots(3, 1), strips.items(), strict=True):
        start = 0.0
        for rows in parts:
            cells = np.where(is_tested[rows], 0, 1 + rows // 8)[None, :]
            edges = start + np.arange(len(rows) + 1)
            axes.pcolormesh(edges, [0, 1], cells, cmap=shades, vmin=0, vmax=6, edgecolors="white", linewidth=1.5)
            start += len(rows) + 1
        axes.set(xlim=(0, 54))
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_axis_off()
    figure.text(0.02, -0.05, "■ tested", color=TESTED, fontsize=10, weight="bold")
    figure.text(0.15, -0.05, "■ learned from; a shade is a row group", color=LEARNED, fontsize=10, weight="bold")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "splitters.png": draw_splitters,
    "metrics.png": draw_metrics,
    "transformers.png": draw_transformers,
    "batches.png": draw_batches,
}


# Of the picture that a browser has taken of a sweep's page, what has to do with the sweep: left, top, right, bottom.
_SWEEP = (200, 10, 1260, 680)


def main() -> None:
    root = Path(__file__).parents[2]
    folder = root / "docs" / "images"
    for name, draw in PICTURES.items():
        draw().savefig(folder / name, dpi=100, bbox_inches="tight", metadata={"Software": None})
    seen = root / "test-artifacts" / "sweep-figure.png"
    if seen.is_file():
        with Image.open(seen) as picture:
            picture.crop(_SWEEP).convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "sweep.png", optimize=True)


if __name__ == "__main__":
    main()
