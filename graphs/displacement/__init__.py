"""Did pressing a place remove or move content: event in, answers out; pure."""
