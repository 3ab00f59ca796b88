"""medllm: private clinical decision support that a hospital can run and adapt itself."""

__version__ = "0.1.0"
