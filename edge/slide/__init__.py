"""The words that all of the daemon speaks: place, plan, capture, finding, record, calibration."""
