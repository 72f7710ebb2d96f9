"""Cuts the screenshots of ``docs/images`` out of those that browser tests leave: ``python docs/_site/screenshots.py``.

The tests are ``tests/integration/test_run_pages.py`` and ``test_compare_view.py``; what they leave is in
``test-artifacts``. Look at each picture before you commit it: a new version of MLflow may have things elsewhere.
"""

from pathlib import Path

from PIL import Image

_ROOT = Path(__file__).parents[2]
_COLOURS = 128
# Each picture: what it is cut out of, and the left, upper, right and lower edge there.
PICTURES = {
    "runs.png": ("run-list", (205, 20, 1330, 350)),
    "run.png": ("run-finished", (205, 20, 1140, 520)),
    "live.png": ("run-live-chart", (205, 20, 690, 625)),
    "figure.png": ("run-figure", (205, 20, 1280, 700)),
    "model.png": ("run-model", (205, 20, 1628, 460)),
    "sweep.png": ("sweep-figure", (205, 20, 1280, 700)),
}


def main() -> None:
    for name, (source, box) in PICTURES.items():
        with Image.open(_ROOT / "test-artifacts" / f"{source}.png") as screen:
            # With fewer colours, a picture takes a third of the room.
            cut = screen.convert("RGB").crop(box).quantize(_COLOURS, dither=Image.Dither.NONE)
        cut.save(_ROOT / "docs" / "images" / name, optimize=True)


if __name__ == "__main__":
    main()
