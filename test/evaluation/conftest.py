"""The site of the made campaign."""

from campaign_fixtures import site

__all__ = ["site"]
