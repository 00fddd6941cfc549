"""Scalar-first automatic differentiation with computation graphs."""
