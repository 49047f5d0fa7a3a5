"""Terminal output as a picture for the README: `script -qc 'fsmount status' /dev/stdout | python -m demo.picture >status.svg`."""

from __future__ import annotations

import html
import re
import sys

_COLOURS = {"0": "#d0d0d0", "1": "#ffffff", "2": "#8a8a8a", "31": "#ff6b68", "32": "#5fd787", "33": "#ffd75f"}
_LINE, _CHARACTER, _MARGIN = 18, 8.4, 14


def spans(line: str) -> list[tuple[str, str]]:
    """Pieces of text with their colour."""
    found, colour = [], _COLOURS["0"]
    for piece in re.split(r"(\x1b\[\d+m)", line):
        if match := re.fullmatch(r"\x1b\[(\d+)m", piece):
            colour = _COLOURS.get(match[1], colour)
        elif piece:
            found.append((piece, colour))
    return found


def picture(text: str) -> str:
    lines = [spans(line.rstrip("\r")) for line in text.rstrip().split("\n")]
    width = round(max(sum(len(piece) for piece, _ in line) for line in lines) * _CHARACTER) + 2 * _MARGIN
    height = len(lines) * _LINE + 2 * _MARGIN
    rows = []
    for number, line in enumerate(lines):
        pieces = "".join(f'<tspan fill="{colour}">{html.escape(piece)}</tspan>' for piece, colour in line)
        rows.append(f'<text x="{_MARGIN}" y="{_MARGIN + number * _LINE + 13}" xml:space="preserve">{pieces}</text>')
    style = f'font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{_CHARACTER / 0.6:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {style}>\n'
        f'<rect width="100%" height="100%" rx="8" fill="#1e1e1e"/>\n' + "\n".join(rows) + "\n</svg>\n"
    )


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read()))
