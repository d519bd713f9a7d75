"""Measures the real stages on labelled data; everything is deterministic for one seed and returns JSON-ready numbers.

    pairs      whether two pictures show one person: accuracy, TAR at FMR, the impostor tail that settings are read from
    identify   people looked for among strangers: FNIR at FPIR, and whether calibration keeps its promise
    detection  mosaics with known faces: average precision, landmark error; clutter on real footage
    mosaics    the pictures with known faces for `detection`
    groups     false match rates within and across groups of people, with bounds
    watch      states of a camera: faults put into footage, and quiet footage
    loops      loops put into footage
    restore    what each enhancement step does to pixels and to recognition
    benefit    which steps may be done for recognition, chosen from what `restore` measures
    view       which steps are done for eyes, and how strongly
    measures   numbers of ISO/IEC 19795 from similarities and labels

Nothing here trains, prints or draws. The caller passes the function that reads pictures.
"""
