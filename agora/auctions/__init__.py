"""Auction rules: pure values in, pure values out."""

from __future__ import annotations

from agora.auctions.agreement import agreement, agreement_of
from agora.auctions.calibration import calibrated
from agora.auctions.consensus import Panel, Reckoning, judge_weights
from agora.auctions.entropy import Entropy, mean_surprisal, measured_entropy, plan_entropy, running_scale
from agora.auctions.jury import Ballot, ballot_for, jury_schema, read_marks
from agora.auctions.posted_price import Lottery, PostedPrice
from agora.auctions.refinement import after_refinement, lessons_for, may_refine
from agora.auctions.sale import SALE
from agora.auctions.scales import family_of, standardised
from agora.auctions.sealing import plan_length, seal
from agora.auctions.standing import record_of, standing

__all__ = [
    "SALE",
    "Ballot",
    "Entropy",
    "Lottery",
    "Panel",
    "PostedPrice",
    "Reckoning",
    "after_refinement",
    "agreement",
    "agreement_of",
    "ballot_for",
    "calibrated",
    "family_of",
    "judge_weights",
    "jury_schema",
    "lessons_for",
    "may_refine",
    "mean_surprisal",
    "measured_entropy",
    "plan_entropy",
    "plan_length",
    "read_marks",
    "record_of",
    "running_scale",
    "seal",
    "standardised",
    "standing",
]
