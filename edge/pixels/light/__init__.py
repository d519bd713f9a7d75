"""Dark pictures made readable.

lime, lime_fast, calm               brightening, exact and fast; smoothing the noise that it amplifies
lightened                           a whole live frame brightened for the eye
lime_kernels, lime_fast_kernels     kernels of the two
multigrid, multigrid_setup, multigrid_kernels, screened   solvers behind them
"""
