"""What a technician measures on site: the steps of a calibration, each one command."""
