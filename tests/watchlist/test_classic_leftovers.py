"""What an import of a classic data set passes over is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge.watchlist.classic import read_classic


def test_what_lies_beside_the_folders_of_people_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "Dataset"
    (folder / "bob").mkdir(parents=True)
    (folder / "bob" / "a.png").write_bytes(b"")
    (folder / "anna.zip").write_bytes(b"")
    (folder / "zoe").symlink_to(tmp_path / "gone")
    (tmp_path / "people.csv").write_text("bob,Robert Fox,4711,banned\n")
    (tmp_path / "holiday.txt").write_text("")
    assert read_classic(folder).notes == (
        f"{folder / 'anna.zip'}: not read; it is no folder of a person",
        f"{folder / 'zoe'}: not read; it is no folder of a person",
        f"{tmp_path / 'people.csv'}: not read; a list has to be a JSON file",
    )


def test_what_the_program_itself_writes_beside_the_folder_is_no_list(tmp_path: Path) -> None:
    folder = tmp_path / "Dataset"
    (folder / "bob").mkdir(parents=True)
    (folder / "bob" / "a.png").write_bytes(b"")
    code = (
        "import sys; from pathlib import Path; from edge.watchlist.classic import read_classic\n"
        "print([one.person.name for one in read_classic(Path(sys.argv[1])).people])"
    )
    with (tmp_path / "result.json").open("w") as result:
        subprocess.run([sys.executable, "-c", code, str(folder)], stdout=result, check=True)
    assert (tmp_path / "result.json").read_text() == "['bob']\n"
