"""Developer tools; nothing in `edge` imports them.

train                        how the shipped models are made
quantize, reduced_range      fp32 -> int8; weights that answer alike on every processor
manifest, seal, rebind       the pack's manifest; its recorded answers; both for files that were rewritten
adoptable, likeness          what is known of public embedders; how alike two model files answer
figures, accuracy            figures of docs/measured.md; those that take longer
bench, cost, start, million  speed; what each stage costs; a start; a million hits
load, soak                   load on the web side and many cameras; weeks in little
central, deploy_test         a central server's side; the Ansible role on a blank machine
wheelhouse                   archives for machines without a network
documents, contact_sheet     pages made from the program; a picture of docs
site_links, data             links of the site; where public data lies
"""
