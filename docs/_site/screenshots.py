"""Cuts the screenshots of ``docs/images`` out of those that browser tests leave: ``python docs/_site/screenshots.py``.

The tests are ``tests/integration/test_run_pages.py`` and ``test_compare_view.py``; what they leave is in
``test-artifacts``. Look at each picture before you commit it: a new version of MLflow may have things elsewhere.
"""

from pathlib import Path

from PIL import Image

_ROOT = Path(__file__).parents[2]
_COLOURS = 128
# Each picture: what it is cut out of, and the left, upper, right and lower edge there.
_PICTURES = {
    "runs": ("run-list", (205, 20, 1330, 350)),
    "run": ("run-finished", (205, 20, 1140, 520)),
    "live": ("run-live-chart", (205, 20, 690, 625)),
    "figure": ("run-figure", (205, 20, 1280, 700)),
    "model": ("run-model", (205, 20, 1640, 500)),
    "sweep": ("sweep-figure", (205, 20, 1280, 700)),
}


def main() -> None:
    for name, (source, box) in _PICTURES.items():
        with Image.open(_ROOT / "test-artifacts" / f"{source}.png") as screen:
            # With fewer colours, a picture takes a third of the room.
            cut = screen.convert("RGB").crop(box).quantize(_COLOURS, dither=Image.Dither.NONE)
        cut.save(_ROOT / "docs" / "images" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
