"""What is published, answered over HTTP: read-only, made beforehand, and asking nothing of the study."""
