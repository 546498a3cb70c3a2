"""Host tools of the open mPOS card reader."""
