"""Auction rules: pure values in, pure values out."""

from __future__ import annotations

from agora.auctions.entropy import plan_entropy
from agora.auctions.posted_price import Lottery, PostedPrice
from agora.auctions.sale import SALE
from agora.auctions.sealing import plan_length, seal

__all__ = ["SALE", "Lottery", "PostedPrice", "plan_entropy", "plan_length", "seal"]
