"""The loop: ask, run, record, tell, judge. It knows ports only."""

from service.campaign.campaign import Campaign, Finding

__all__ = ["Campaign", "Finding"]
