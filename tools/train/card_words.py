"""The fixed words of the manifest about each model: licence, teacher, data and limits. Numbers come from measuring."""

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
WORDS: dict[str, dict[str, Any]] = {
    "detect_mosaic": {
        "licence": "Apache-2.0 (our training; see the teacher's and the data's terms in MODELS.md)",
        "teacher": "YuNet 2023mar of the OpenCV zoo (MIT), its dense outputs on the clean picture",
        "data": [
            f"{_LFW}: mosaics and whole pictures",
            "the 91 images of SRCNN and 70 of BSDS500 train (research): backgrounds",
            "drawn clutter: shelves, grids, text, blobs",
        ],
        "limits": (
            "Faces from about 10 to 300 px, upright to some 30 degrees of roll; profiles are found later than frontal "
            "faces. Learnt from press photos of adults: children, masks, veils and helmets are rare in them. A score "
            "is no probability. At low scores it fires on round, skin-coloured things."
        ),
    },
    "embed_plain": {
        "licence": "Apache-2.0 (our training; see the teacher's and the data's terms in MODELS.md)",
        "teacher": (
            "MobileFaceNet of foamliu (Apache-2.0), which was trained on MS-Celeb-1M, a collection that its publisher "
            "withdrew; nothing of it is here, but what the teacher knows comes from it"
        ),
        "data": [
            f"{_LFW}: aligned crops, without their names",
            "SFHQ sheets (synthetic faces, MIT): aligned crops",
            "mixtures of two such crops",
        ],
        "limits": (
            "Aligned 112 x 112 crops of faces of 14 px and more. LFW over-represents men and people with light skin, "
            "and so does MS-Celeb-1M: expect more errors for others, and measure before relying on it. Not meant for "
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
        "data": [_SCENES, f"{_LFW}: aligned crops, one patch in sixteen"],
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
WORDS["sr2_srcnn"] = WORDS["sr2_compact"]
