"""De-identification: the 18 identifiers of HIPAA's safe harbour found by rules, and replaced."""
