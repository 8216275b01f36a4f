"""The app Shop of the sample bench."""

__version__ = "1.0.0"
