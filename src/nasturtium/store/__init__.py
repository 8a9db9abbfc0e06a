"""What survives the process: the journal of a run folder."""
