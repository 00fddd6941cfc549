"""Checking gradients: numerical differentiation, verdicts, reports."""

from .gradcheck import gradcheck
from .numerical import numerical_gradient
from .report import Finding, Report

__all__ = ["Finding", "Report", "gradcheck", "numerical_gradient"]
