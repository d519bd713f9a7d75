"""How the shipped models are made: data preparation, training, export. Nothing in `edge` imports this.

paths, data                  where data and work lie; crops and answers of teachers, kept
material, nets, common       pictures and their faults; networks and losses; what every training does
detector, recogniser         trainings, one a model
denoise, deblur, restore, sr  of those that change pictures
all_on_gpu                   the embedder on a GPU, in one command
pack, pack_pictures, ship    a checkpoint becomes a file of the pack, with its entry and card
measure, measure_pictures    figures of the cards
cohort, reliability          synthetic strangers; what an embedding of some quality is worth
"""
