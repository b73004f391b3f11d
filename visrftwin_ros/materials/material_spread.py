"""How far a material that goes by its usual name may be from the usual values."""

from __future__ import annotations

QUANTITIES = ("relative_permittivity", "conductivity", "thickness", "scattering_coefficient")
PRIOR_SD = (0.5, 1.0, 0.5, 1.0)
"""Standard deviations of log(eps_r - 1), log sigma, log thickness, logit S.

A surface that is called concrete is by ITU-R P.2040 of 5.2, in the literature of 4 to 8; its
conductivity goes with moisture, by a factor of e and more; boards, panes and walls come in thicknesses of
which twice the usual one is not rare; S of one material spreads over the paper's table 2 as widely.
"""
