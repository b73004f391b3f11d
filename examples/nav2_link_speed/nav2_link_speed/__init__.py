"""Slows a Nav2 robot before its predicted radio link fades."""
