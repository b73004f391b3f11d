"""A live radio twin of a place: people, the millimetre-wave links that they shadow, and the best beams."""

from pkgutil import extend_path

# In the checkout this folder has no `msg`, `srv` and `action`: they lie in a `visrftwin_ros` that the build installs.
__path__ = extend_path(__path__, __name__)
__version__ = "0.1.0"
