"""A site that solves in a second."""

from small_site_fixtures import aps, meshes, replay_scene, site, solved, traced

__all__ = ["aps", "meshes", "replay_scene", "site", "solved", "traced"]
