"""No machine code outlives the sources it was made of, also where it is another file's that changed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.pixels import jit
from edge.pixels.light import lightened, lime

ROOT = Path(__file__).parents[2]
MINE = ["__init__.py", "pixels/__init__.py", "pixels/jit.py", "pixels/compiled.py", "pixels/kernel_cache.py"]
SOURCES = {
    "__init__.py": "",
    "factors.py": "FACTOR = 1\n",
    "lightened.py": "from edge.pixels.jit import kernel\nfrom edge.pixels.light.factors import FACTOR\n\n\n"
    "@kernel\ndef callee(x):\n    return 10 * FACTOR * x\n",
    "lime.py": "from edge.pixels.jit import kernel\nfrom edge.pixels.light.lightened import callee\n\n\n"
    "@kernel\ndef caller(x):\n    return callee(x) + 1\n",
}
ASK = """
import json
from pathlib import Path
from edge.pixels.light import lime
{meanwhile}
found = int(lime.caller(1))
from edge.pixels.kernel_cache import kernel_cache
cache = kernel_cache()
print(json.dumps([found, list(cache.cold), cache.is_writable, str(cache.folder)]))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the program with two kernels, one of which calls the other; returns the folder of the two."""
    for name in MINE:
        (tmp_path / "edge" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "edge" / name, tmp_path / "edge" / name)
    light = tmp_path / "edge" / "pixels" / "light"
    light.mkdir()
    for name, text in SOURCES.items():
        (light / name).write_text(text, "utf-8")
    return light


def run(light: Path, cache: Path | None, meanwhile: str = "") -> Any:
    """[result, cold kernels, whether code can be kept, where] of a process that calls the caller with 1."""
    root = light.parents[2]
    env = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    env |= {"PYTHONPATH": str(root), "XDG_CACHE_HOME": str(root)} | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    asked = [sys.executable, "-c", ASK.format(meanwhile=meanwhile)]
    told = subprocess.run(asked, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def change(path: Path, before: str, after: str) -> None:
    """Write another source of another length: Python's own cache tells them apart by that within a second."""
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize("is_chosen", [True, False])
@pytest.mark.parametrize(("name", "before", "after"), [("lightened.py", "10 *", "200 *"), ("factors.py", "1", "20")])
def test_what_a_kernel_takes_from_another_file_is_never_old(
    package: Path, tmp_path: Path, is_chosen: bool, name: str, before: str, after: str
) -> None:
    cache = tmp_path / "chosen" if is_chosen else None
    found, cold, is_kept, folder = run(package, cache)
    assert (found, cold, is_kept) == (11, [], True)
    assert Path(folder).is_relative_to(cache or package / "__pycache__")
    change(package / name, before, after)
    assert run(package, cache)[:3] == [201, [], True]
    assert not Path(folder).exists(), "machine code of former sources is removed"


def test_code_that_a_program_kept_before_it_had_folders_is_removed(package: Path, tmp_path: Path) -> None:
    folder = Path(run(package, tmp_path / "cache")[3])
    flat = folder.parents[1]
    for one in folder.iterdir():
        one.rename(flat / one.name)
    folder.rmdir()
    folder.parent.rmdir()
    other = tmp_path / "cache" / "light_of_another_program"
    other.mkdir()
    (other / "callee.nbi").write_text("")
    run(package, tmp_path / "cache")
    assert [one for one in flat.iterdir() if one.is_file()] == []
    assert len(list(folder.glob("*.nbi"))) == 2
    assert (other / "callee.nbi").exists()


def test_code_that_can_not_be_kept_is_made_in_every_process(package: Path, tmp_path: Path) -> None:
    """A file lies where the folder would be, for a superuser may write everywhere else."""
    folder = Path(run(package, tmp_path / "cache")[3]).parent
    shutil.rmtree(folder)
    folder.write_text("")
    assert run(package, tmp_path / "cache") == [11, ["callee", "caller"], False, str(folder)]
    change(package / "lightened.py", "10 *", "200 *")
    changed = Path(run(package, tmp_path / "cache")[3]).parent
    shutil.rmtree(changed)
    changed.write_text("")
    assert run(package, tmp_path / "cache") == [201, ["callee", "caller"], False, str(changed)]
    (tmp_path / "file").write_text("")
    assert run(package, tmp_path / "file")[:3] == [201, [], True], "numba takes the next folder that it can write"


def test_sources_that_change_under_a_running_process_keep_its_code_out(package: Path, tmp_path: Path) -> None:
    path = package / "lightened.py"
    pull = f"path = Path({str(path)!r}); path.write_text(path.read_text('utf-8').replace('10 *', '200 *'), 'utf-8')"
    assert run(package, tmp_path / "cache", pull)[0] == 11
    assert run(package, tmp_path / "cache")[:2] == [201, []]


def test_the_compiler_is_switched_off(package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(package, tmp_path / "cache", "import os; os.environ['NUMBA_DISABLE_JIT'] = '1'")[:2] == [11, []]


def test_kernels_are_made_of_what_the_name_of_the_folder_covers() -> None:
    """All lie in `light`, and take from the rest of the program nothing but how they are declared."""
    assert lime.__name__ in sys.modules
    assert lightened.__name__ in sys.modules
    assert len(jit._declared) > 40
    for one in jit._declared:
        code = one._function.__code__
        path = Path(code.co_filename)
        assert path.parent == ROOT / "edge" / "pixels" / "light"
        elsewhere = {
            alias.asname or alias.name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            and str(node.module).startswith("edge")
            and not str(node.module).startswith("edge.pixels.light")
            for alias in node.names
        }
        assert not elsewhere & set(code.co_names), f"{path.name}: {code.co_name}"
