"""From marketing's files to figures by age band, corrected for how the age model errs."""
