"""The acceptance walk: a listed person walks before the camera; a signed sheet says from where they are recognised.

distances  how far away the walker is: by marks on the floor, or by the pinhole model
walk       frames in, sightings out; and which sightings are the walker's
findings   sightings -> what is recognised from where to where
sheet      findings -> one signed page
session    one walk from first frame to sheet; the terminal and the page both use it
terminal   guides the walk in a terminal
page       measures the walk for the page, beside live recognition
"""
