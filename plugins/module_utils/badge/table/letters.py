# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large letters made of block characters, to be read from two metres."""

from __future__ import annotations

# Five by six pixels each, a row of pixels a word.
_SHAPES = {
    "0": ".###. #...# #...# #...# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ...#. ..#.. .#... #####",
    "3": "####. ....# .###. ....# ....# ####.",
    "4": "#..#. #..#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# ####.",
    "6": ".###. #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ..#.. ..#.. ..#..",
    "8": ".###. #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# .###.",
    "%": "##..# ##.#. ..#.. ..#.. .#.## #..##",
    "-": "..... ..... .###. ..... ..... .....",
    "A": ".###. #...# #...# ##### #...# #...#",
    "D": "####. #...# #...# #...# #...# ####.",
    "E": "##### #.... ####. #.... #.... #####",
    "F": "##### #.... ####. #.... #.... #....",
    "I": "##### ..#.. ..#.. ..#.. ..#.. #####",
    "K": "#...# #..#. ###.. #.#.. #..#. #...#",
    "L": "#.... #.... #.... #.... #.... #####",
    "N": "#...# ##..# #.#.# #..## #...# #...#",
    "O": ".###. #...# #...# #...# #...# .###.",
    "P": "####. #...# #...# ####. #.... #....",
    "R": "####. #...# #...# ####. #..#. #...#",
    "S": ".#### #.... .###. ....# ....# ####.",
    "T": "##### ..#.. ..#.. ..#.. ..#.. ..#..",
    "W": "#...# #...# #...# #.#.# ##.## #...#",
    " ": "..... ..... ..... ..... ..... .....",
}
_HALVES = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}
HALF_HEIGHT = 3
FULL_HEIGHT = 6


def half(text: str) -> list[str]:
    """Text in three lines: a character is one pixel wide and two high."""
    pixels = _pixels(text)
    return [
        "".join(map(_HALVES.__getitem__, zip(*pair, strict=True))) for pair in zip(*[iter(pixels)] * 2, strict=True)
    ]


def full(text: str) -> list[str]:
    """Text in six lines, each pixel two characters wide."""
    return ["".join("██" if pixel == "#" else "  " for pixel in row) for row in _pixels(text)]


def _pixels(text: str) -> list[str]:
    """Six rows of pixels; letters that have no shape are left out."""
    shapes = [_SHAPES[letter].split() for letter in text if letter in _SHAPES]
    return [".".join(shape[row] for shape in shapes) for row in range(FULL_HEIGHT)]
