"""The acceptance walk: a listed person walks before the camera; a signed sheet says from where they are recognised.

distances  how far away: marks on the floor, or the pinhole model
walk       frames in, sightings out
walker     which of them are the walker's
findings   sightings -> what is recognised from where to where
sheet      findings -> one signed page
session    the walk as it goes on: stations, what to do next; behind the terminal and the page
"""
