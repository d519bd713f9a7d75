"""`edge replay`."""

from __future__ import annotations

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config
from edge.cli.pictures.explain import HitId
from edge.errors import ExitCode
from edge.store import Store


def replay(hit_id: HitId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Repeat a hit's recipes, for eyes and for recognition, on the kept original and compare every hash."""
    from edge.app.offline import explain as explanation
    from edge.app.offline.enhance import open_networks

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        done = explanation.replay_hit(store, hit_id, open_networks(settings))
    if as_json:
        print_json(done)
    else:
        out.print(f"original {done['original']['sha256'][:16]}: {_same_or_not(done['original']['same'])}")
        for step in done["steps"]:
            out.print(
                f"{step['name']} version {step['version']}, {step['output_sha256'][:16]}: {_same_or_not(step['same'])}"
            )
        for step in done["recognition"]:
            what = f"{step['name']} version {step['version']}, {step['output_sha256'][:16]}"
            out.print(f"for recognition: {what}: {_same_or_not(step['same'])}")
        if done["enhanced"] is not None:
            out.print(f"enhanced {done['enhanced']['sha256'][:16]}: {_same_or_not(done['enhanced']['same'])}")
            if done["enhanced"]["psnr_db"] is not None:
                out.print(f"{done['enhanced']['psnr_db']:.1f} dB from the kept picture; {done['problem'] or ''}")
    if not done["close"]:
        raise typer.Exit(int(ExitCode.DATA))


def _same_or_not(same: bool) -> str:
    return "the same" if same else "NOT the same"
