"""What is said about each model: licence, teacher, data and limits for the manifest, and MODELS.md made from it."""

from __future__ import annotations

from typing import Any

_OURS = "Apache-2.0 (our training; see the data's terms in MODELS.md)"
_NONE = "none: it learnt from pairs of a picture and its spoilt copy"
_FEATURES = (
    "features of our own face embedder, itself taught by MobileFaceNet, and a critic trained along; VGG's weights, the "
    "usual choice for features, are not ours to use"
)
_LFW = "Labeled Faces in the Wild, the people of view-2 sets 1-7 (no licence file; press photos, research benchmark)"
_SCENES = (
    "the 91 images of SRCNN and 70 of BSDS500 train (research); sheets of synthetic faces of SFHQ (MIT), not aligned"
)
_WORDS: dict[str, dict[str, Any]] = {
    "detect_mosaic": {
        "licence": "Apache-2.0 (our training; see the teacher's and the data's terms in MODELS.md)",
        "teacher": "YuNet 2023mar of the OpenCV zoo (MIT), its dense outputs on the clean picture",
        "data": [
            f"{_LFW}: mosaics and whole pictures",
            "the 91 images of SRCNN and 70 of BSDS500 train (research): backgrounds",
            "drawn clutter: shelves, packets, grids, text, blobs, vehicles",
            "heads seen from above: faces of the same people, of UTKFace's 8,508 adults (non-commercial research) and "
            "of SFHQ sheets (synthetic faces, MIT) in drawn hair; backs of heads, plain skin and hands",
        ],
        "limits": (
            "Faces from about 10 to 300 px, upright to some 30 degrees of roll; profiles are found later than frontal "
            "faces. Learnt from press photos of adults: children, masks, veils and helmets are rare in them. UTKFace "
            "allows non-commercial research: whoever sells an appliance should judge that, or train without it. A "
            "score is no probability. At low scores it fires on round, skin-coloured things."
        ),
    },
    "embed_plain": {
        "licence": "Apache-2.0 (our training; see the teacher's and the data's terms in MODELS.md)",
        "teacher": (
            "MobileFaceNet of foamliu (Apache-2.0) and the same net trained further on degraded crops: first each "
            "block of ours learnt what the teacher's block answers, then all learnt as one net. No weight of a teacher "
            "was copied: the initial values are random. The teachers come from MS-Celeb-1M, a collection that its "
            "publisher withdrew; nothing of it is here, but what the teachers know comes from it"
        ),
        "data": [
            f"{_LFW}: aligned crops; their names serve to fit the last layer alone",
            "UTKFace, 8,508 adults (non-commercial research): aligned crops, without labels",
            "SFHQ sheets (synthetic faces, MIT): aligned crops",
            "mixtures of two such crops, and faces composed of parts of two",
        ],
        "limits": (
            "Aligned 112 x 112 crops of faces of 14 px and more. LFW over-represents men and people with light skin, "
            "and so does MS-Celeb-1M: expect more errors for others (`edge eval groups` measures them). UTKFace allows "
            "non-commercial research: whoever sells an appliance should judge that, or train without it. Not meant for "
            "children. Embeddings of different model files never compare. A similarity is no proof of identity."
        ),
    },
    "denoise_luma": {
        "licence": _OURS,
        "teacher": _NONE,
        "data": [f"{_LFW}: aligned crops", _SCENES],
        "limits": (
            "Luma only: color noise is left. Learnt on independent noise of each pixel, plain or JPEG-coded; what "
            "brightening or an unknown camera's own denoiser has already smeared is left, fine texture may be smoothed."
        ),
    },
    "sr2_compact": {
        "licence": _OURS,
        "teacher": _NONE,
        "data": [_SCENES, f"{_LFW}: aligned crops, one patch in sixteen and then three in ten"],
        "limits": (
            "Luma only; colors are enlarged bicubically by the caller. Expects a sharp picture that lacks pixels: "
            "blur, noise and JPEG blocks are enlarged with the rest. It restores edges, it adds no information."
        ),
    },
    "deblur_pyramid": {
        "licence": _OURS,
        "teacher": _FEATURES,
        "data": [f"{_LFW}: aligned crops", _SCENES],
        "limits": (
            "Straight motion blur of up to some 20 px, one direction for the whole picture, little noise; half of its "
            "pictures were so, the others out of focus, coarse or as CCTV gives them. Long blurs and noisy "
            "pictures come out sharper than they are right; a dark, coded picture comes out brighter, too; a face may "
            "drift from whose it was, although it was trained not to."
        ),
    },
    "restore_unet": {
        "licence": _OURS,
        "teacher": _FEATURES,
        "data": [f"{_LFW}: aligned crops"],
        "limits": (
            "Generative: it invents detail and shows a likely face, not the one that was there. For eyes only, never "
            "for recognition or as evidence. Learnt on aligned faces of adults, two of three dark, moved, coarse and "
            "JPEG-coded at once, the others coded, coarse or noisy alone."
        ),
    },
    "sr4_face": {
        "licence": _OURS,
        "teacher": _FEATURES,
        "data": [f"{_LFW}: aligned crops"],
        "limits": (
            "Generative: it invents detail and shows a likely face, not the one that was there. For eyes only, never "
            "for recognition or as evidence. Learnt on clean aligned faces of 32 px made from 128 px."
        ),
    },
}
_WORDS["sr2_srcnn"] = _WORDS["sr2_compact"]
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


def card_text(name: str) -> dict[str, Any]:
    """Licence, teacher, data and limits of one of our models."""
    return dict(_WORDS[name])


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
