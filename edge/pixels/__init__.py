"""Pixels: pure functions and kernels on arrays. No files, clocks, threads, configuration or models here.

color, brightness, chroma       brightness of a picture; changing it; removing noise from colors
quality, faults, metrics        measures: of a face crop, of faults, of two pictures against each other
geometry, boxes, pairing        alignment and letterboxing; overlap of boxes; pairing boxes
resize, tiles, compose          sizes; large pictures in tiles; one picture over another
tamper                          what is left of a scene in a picture
change, patches                 where a picture has changed; a face found again in the next one
cover                           faces of strangers, painted over
degrade, injected               faults of faces and of whole scenes, made on purpose
lime, lime_fast, calm           brightening, exact and fast; smoothing the noise it amplifies
lightened                       a whole live frame brightened for the eye
lime_kernels, lime_fast_kernels kernels of the two
multigrid, multigrid_setup, multigrid_kernels, screened   solvers behind them
encode, hashing                 file bytes; hashes of pixels
haar                            OpenCV's face cascade
jit, kernel_cache               how kernels are compiled; where they are kept
"""
