"""What leaves the study: files, schemas and the report page."""
