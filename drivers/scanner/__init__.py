"""The scanner's wire protocol, and `ScannerLink`, the SDK of acquisition drivers."""
