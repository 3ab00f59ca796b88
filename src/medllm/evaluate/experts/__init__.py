"""Track C: blinded sheets, a sealed key, ratings unblinded again, and how far raters agree."""
