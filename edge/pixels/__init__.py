"""Pixels: pure functions and kernels on arrays. No files, clocks, threads, configuration or models here.

light                           dark pictures made readable: LIME and what it needs
faces                           boxes and landmarks: alignment, overlap, faces found again, faces painted over
measures                        of a face crop, of faults, of two pictures against each other
scene                           whole scenes: where they change, whether they are still the same
luma, color, chroma             luma computed and changed; color, and channels apart; noise removed from colors
resize, tiles, compose          sizes; large pictures in tiles; one picture over another
degrade, path_faults            faults of faces, made on purpose; those of air, panes, lamps, readout and cable
encode, hashing                 images to file bytes; hashes of pixels and of file bytes
jit, compiled, kernel_cache     how kernels are declared and compiled; where they are kept
"""
