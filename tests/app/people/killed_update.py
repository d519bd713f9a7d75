"""A program for test_killed_update.py: an update of the database and its way back, killed at every point.

It is one of its own because it forks: a process that runs tests has threads.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from edge.app.build import load_models
from edge.app.people import embeddings
from edge.config import Config, RuntimeConfig
from edge.store import Store, migrate, update
from tests.support.killed import kills
from tests.support.updates import NOW, make_box


def main(root: Path) -> None:
    """Leave folders `migrate-N` and `back-N` in `root`, each as a kill left it."""
    config = Config(data_dir=root / "box", runtime=RuntimeConfig(threads=1))  # a pool of threads would not survive
    steps = make_box(config)
    models = load_models(config)
    embeddings.load_models = lambda config: models
    now_known = migrate.migrations

    def bring(folder: Path) -> None:
        migrate.migrations = lambda: steps
        embeddings.bring_database(config.model_copy(update={"data_dir": folder}), NOW)

    def copy_of(source: Path, name: str) -> Path:
        return Path(shutil.copytree(source, root / name))

    for folder in kills(bring, lambda point: copy_of(config.data_dir, f"migrate-{point}")):
        print(folder)
    tried = copy_of(config.data_dir, "tried")
    bring(tried)
    with Store.open(tried) as store:
        store.add_token("release-check", ["alerts:read"]).result()
        store.add_item("heartbeat", {}).result()
        store.revoke_token("release-check").result()
    migrate.migrations = now_known
    for folder in kills(lambda folder: update.roll_back(folder, NOW), lambda point: copy_of(tried, f"back-{point}")):
        print(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
