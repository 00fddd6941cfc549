"""Checking gradients: numerical differentiation, verdicts, reports."""

from .backward import diff_backward
from .differences import BackwardDiff, EdgeDiff
from .gradcheck import gradcheck
from .numerical import numerical_gradient
from .report import Finding, Report

__all__ = [
    "BackwardDiff",
    "EdgeDiff",
    "Finding",
    "Report",
    "diff_backward",
    "gradcheck",
    "numerical_gradient",
]
