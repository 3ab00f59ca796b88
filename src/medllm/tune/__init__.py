"""The road from records to a trained model: encode, train, merge; needs the extra `train`."""
