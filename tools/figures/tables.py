"""Tables of a Markdown document, found by their header line."""

from __future__ import annotations

Rows = list[list[str]]


def rows_under(text: str, header: str) -> Rows:
    """The cells of the rows under `header`, which stands in `text` once. Raises ValueError where it doesn't."""
    if text.count(f"{header}\n") != 1:
        raise ValueError(f"{text.count(header)} tables are headed {header!r}")
    lines = text.split(f"{header}\n")[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def with_rows(text: str, header: str, rows: Rows) -> str:
    """`text` with other rows under `header`."""
    before, after = text.split(f"{header}\n")
    lines = after.splitlines(keepends=True)
    length = next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))
    body = "".join("| " + " | ".join(cells) + " |\n" for cells in rows).replace("|  |", "| |")
    return f"{before}{header}\n{lines[0]}{body}{''.join(lines[length:])}"
