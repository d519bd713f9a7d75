"""What is said about each model: the fixed words of the manifest, and MODELS.md made from the manifest."""

from __future__ import annotations

from typing import Any

from tools.train.card_words import WORDS

_PACKERS = {"detect": "pack detector", "embed": "pack recogniser"}
_TITLES = {
    "detect": "finds faces",
    "embed": "tells faces apart",
    "denoise": "takes noise out of luma",
    "sr2": "doubles luma",
    "sr4": "makes faces four times larger, inventing detail",
    "deblur": "undoes motion blur",
    "restore": "redraws bad CCTV faces, inventing detail",
}


def words(name: str) -> dict[str, Any]:
    """Licence, teacher, data and limits of one of our models."""
    return dict(WORDS[name])


def page(entries: list[dict[str, Any]]) -> str:
    """MODELS.md: one card per entry, all numbers from the manifest."""
    head = (
        "# Models\n\nEvery model here is trained by `tools/train` and quantized by `tools/quantize.py`; nobody else's "
        "weights are shipped.\nThis page is written from `manifest.json` by `python -m tools.train.pack cards`.\n\n"
        "**Terms.** The weights are ours and under Apache-2.0. They were learnt from the data and teachers named in "
        "each card; whoever\nships them should judge those terms for their own use: LFW and the scene pictures are "
        "research collections.\n"
    )
    return head + "".join(_card(entry) for entry in entries)


def _card(entry: dict[str, Any]) -> str:
    made = entry["provenance"]
    shape = ", ".join(str(n) for n in entry["input"]["shape"])
    outputs = ", ".join(f"`{name}` ({', '.join(map(str, dims))})" for name, dims in entry["outputs"].items())
    lines = [
        f"\n## {entry['name']}: {_TITLES[entry['task']]}\n",
        f"- File: `{entry['file']}`, {entry['bytes']:,} bytes, {entry['precision']}, opset {entry['opset']}",
        f"- SHA-256: `{entry['sha256']}`",
        f"- Input: `{entry['input']['name']}` ({shape}) float32, {entry['input']['color']}, 0..255",
        f"- Outputs: {outputs}",
        f"- Licence: {entry['licence']}",
        f"- Teacher: {entry['teacher']}",
        *(f"- Data: {item}" for item in entry["data"]),
        f"- Limits: {entry['limits']}",
        f"- Made by: `{made['command']}`, seed {made['seed']}, {made['steps']} steps of {made['batch_size']}, "
        f"{made['minutes']} minutes, PyTorch {made['torch']}; then "
        f"`python -m tools.train.{_PACKERS.get(entry['task'], 'pack_pictures ' + entry['name'])} "
        "--checkpoint DIR/checkpoint.pt --measure`",
        *(["- Generative: what it makes is labelled so wherever it is shown"] if entry["generative"] else []),
        *(f"- {note}" for note in made.get("notes", [])),
    ]
    return "\n".join(lines) + "\n" + _scores(entry["scores"])


def _scores(scores: dict[str, Any]) -> str:
    """Each table as Markdown; a table is {"what": text, "rows": {name: {column: number}}}."""
    text = ""
    for table in scores.get("tables", []):
        columns = list(dict.fromkeys(key for row in table["rows"].values() for key in row))
        text += f"\n{table['what']}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
        for name, row in table["rows"].items():
            text += f"| {name} | {' | '.join(_number(row.get(column)) for column in columns)} |\n"
    return text


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
