"""Enrol, replace, forget, calibrate and re-embed people. Page, API and command line call only this."""
