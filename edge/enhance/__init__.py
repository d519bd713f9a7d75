"""Changes a face's pixels: for the eyes of people, and for recognition where that was shown to help.

    faults    measured numbers -> fault and level
    planner   faults, benefit and purpose -> the steps to do, and those left out with reasons
    steps     every step there is: order, version, parameters, which model
    networks  learned steps: a session of the pack over pictures of any size
    enhancer  carries out plans, and repeats recorded recipes
    recipe    recipes to JSON and back
    labels    marks picture files whose detail was drawn by a model
    benefit   which steps were shown to help recognition, and for which models that holds
    view      which steps were shown to help the eye, for which faults
    budget    which steps are dropped first when time is short
    kernels   loads what brightening needs once it is needed
    scoring   a face for recognition: the original, and beside it the enhanced one

`edge.pixels` changes the pixels, and the store keeps the recipes. Input pictures are never changed.
"""

from edge.enhance.benefit import BENEFIT_FILE, Benefit
from edge.enhance.budget import DROP_ORDER, Budget
from edge.enhance.enhancer import Enhancer, Replayed, plan_steps, redo, replay
from edge.enhance.kernels import KernelLoader
from edge.enhance.networks import Networks, warm_up
from edge.enhance.planner import Plan, PlannedStep
from edge.enhance.recipe import PURPOSE, recipe_from_json, recipe_to_json
from edge.enhance.scoring import Scored, score_face
from edge.enhance.steps import GENERATIVE, STEPS
from edge.enhance.view import VIEW_FILE, Views

__all__ = [
    "BENEFIT_FILE",
    "DROP_ORDER",
    "GENERATIVE",
    "PURPOSE",
    "STEPS",
    "VIEW_FILE",
    "Benefit",
    "Budget",
    "Enhancer",
    "KernelLoader",
    "Networks",
    "Plan",
    "PlannedStep",
    "Replayed",
    "Scored",
    "Views",
    "plan_steps",
    "recipe_from_json",
    "recipe_to_json",
    "redo",
    "replay",
    "score_face",
    "warm_up",
]
