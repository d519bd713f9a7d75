"""Measuring the real stages on labelled data; everything is deterministic for one seed and returns JSON-ready numbers.

    pairs      are two pictures the same person: accuracy, TAR at FMR, the impostor tail that settings are read from
    identify   people looked for among strangers: FNIR at FPIR, and whether calibration keeps its promise
    detection  mosaics with known faces: average precision, landmark error; clutter on real footage
    groups     false match rates within and across groups of people, with bounds

Nothing here trains, prints or draws. Pictures are read by a function that is handed in.
"""
