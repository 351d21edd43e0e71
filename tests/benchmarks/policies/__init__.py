"""What the benchmark of policies measures: our governor, its peers, and functions by hand."""
