"""Make the figures of docs/measured.md that hang on the models anew, and write them into its tables and the card.

`python -m tools.figures measure [NAME ...] [--again]` runs the commands of the document and keeps their answers under
`build/figures`; an answer by the models in use is not asked for again. `python -m tools.figures write` puts what is
there into the tables: on a processor without VNNI into the one table that holds it against one with VNNI, else into all
others, and into those of the embedder's card. Sentences that speak of figures are for a person to check.
"""

from __future__ import annotations

import argparse

from tools.figures import answers, headers, kinds, rows, tables


def write() -> None:
    """Every table whose answer is kept; says which are, and which are not."""
    text = answers.DOCUMENT.read_text("utf-8")
    if not kinds.has_vnni():
        made = kinds.written(text)
        print(f"without VNNI: {'pairs, identify and detect are not all measured' if made is None else 'written'}")
        if made is not None:
            answers.DOCUMENT.write_text(tables.with_rows(text, headers.BOTH_KINDS, made), "utf-8")
        return
    for name, header, rows_of in rows.WRITERS:
        answer = answers.read(name)
        print(f"{name}: {'written' if answer else 'not measured with these models'}")
        if answer:
            text = tables.with_rows(text, header, rows_of(text, answer))
    answers.DOCUMENT.write_text(text, "utf-8")


def write_card() -> None:
    """The embedder's card tells what the document tells: its tables come from the same answers."""
    from tools.train.ship import answered, left_out  # torch is needed for nothing else here

    for name, enter in answered.ENTER.items():
        if answer := answers.read(name):
            enter(answers.MODELS, answer)
    if answer := answers.read("never"):
        left_out.enter(answers.MODELS, [answer])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="make the figures of docs/measured.md anew")
    parser.add_argument("task", choices=("measure", "write"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(answers.commands())}; all by default")
    parser.add_argument("--again", action="store_true", help="measure what is kept, too")
    args = parser.parse_args()
    if args.task == "write":
        write()
        if kinds.has_vnni():
            write_card()
    else:
        answers.measure(args.names, again=args.again)


if __name__ == "__main__":
    main()
