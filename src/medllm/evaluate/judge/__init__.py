"""Track B: a model as judge, asked blind, in both orders, repeatedly, and tried itself."""
