"""Predictors that the twin is compared with, one a file."""
