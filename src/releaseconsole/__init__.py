"""Release Console: a release's checklist on Kubernetes, and the way back, in a terminal."""
