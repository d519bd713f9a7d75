"""A disk that can't read a part of the database: what it reads is kept; where it reads nothing, nothing is replaced."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.paths import ROOT
from tests.support.store import ANN, add_hits, enrol

BAD_DISK = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <dlfcn.h>
#include <sys/stat.h>
static int is_bad(int fd, off_t at, size_t n) {
    struct stat about; long from = atol(getenv("BAD_FROM")), to = atol(getenv("BAD_TO"));
    return !fstat(fd, &about) && about.st_ino == (ino_t)atol(getenv("BAD_INODE")) && at < to && at + (off_t)n > from;
}
ssize_t pread64(int fd, void *to, size_t n, off_t at) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pread64");
    if (is_bad(fd, at, n)) { errno = EIO; return -1; }
    return real(fd, to, n, at);
}
ssize_t pread(int fd, void *to, size_t n, off_t at) { return pread64(fd, to, n, at); }
"""
OPEN = """
import json, sys
from pathlib import Path
from edge.errors import EdgeError
from edge.store import Store
from tests.support.store import ANN, add_hits
try:
    with Store.open(Path(sys.argv[1])) as store:
        add_hits(store, ANN, [500])
        print(json.dumps([store.count_hits(), store.damage().detail, store.check()]))
except EdgeError as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture(scope="module")
def bad_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that lets reads of a range of edge.db fail."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler, for a disk that fails")
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.c").write_text(BAD_DISK, "utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "bad.so", folder / "bad.c", "-ldl"], check=True)
    return folder / "bad.so"


def opened(folder: Path, library: Path, bad: tuple[int, int]) -> str:
    number = (folder / "edge.db").stat().st_ino
    more = {"LD_PRELOAD": str(library), "BAD_INODE": str(number), "BAD_FROM": str(bad[0]), "BAD_TO": str(bad[1])}
    done = subprocess.run(
        [sys.executable, "-c", OPEN, folder],
        cwd=ROOT,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    return done.stdout + done.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 21))
    with closing(sqlite3.connect(tmp_path / "edge.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path


def test_a_bad_sector_costs_what_lay_there(data: Path, bad_disk: Path) -> None:
    with closing(sqlite3.connect(data / "edge.db")) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'trims'").fetchone()
    told = opened(data, bad_disk, ((page - 1) * 4096, (page - 1) * 4096 + 512))
    assert told == '[21, "parts can\'t be read: trims", []]\n'
    assert (data / "quarantine" / "edge.db").is_file()


def test_a_disk_that_reads_nothing_replaces_nothing(data: Path, bad_disk: Path) -> None:
    before = (data / "edge.db").read_bytes()
    told = opened(data, bad_disk, (0, 1 << 40))
    assert "replace the disk" in told, told
    assert (data / "edge.db").read_bytes() == before
    with Store.open(data) as store:
        assert store.count_hits() == 20
