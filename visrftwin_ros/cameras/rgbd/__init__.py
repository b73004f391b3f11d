"""Folders of pictures with depth and poses, one file a layout."""
