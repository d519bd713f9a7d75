"""Enrol, replace, forget, calibrate and re-embed people. Page, API and command line call only this.

people       every change of the list
pictures     references from pictures and videos, or a refusal
embeddings   new embeddings after a change of the embedder
calibration  which limits this list needs
transfer     import and export of whole lists
sheets       people who are erased leave the commissioning sheets, too
worker       all this for the web side, one job after the other
"""
