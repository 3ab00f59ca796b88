"""From a trained model to files that other programs run, with a proof that they are the same model."""
