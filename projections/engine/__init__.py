"""Engine: every picture in step with the log, drawn anew beside itself when it has changed.

log ──page──► draw ──► rows + position, in one transaction (exactly once)      batches, projector
       └────► draw in memory ──► fill beside ──► catch up ──► swap             beside
              an event that cannot be drawn: found, noted, waited at or skipped    poison
live ◄──equal?──► drawn anew, as of the same position                          compare
"""
