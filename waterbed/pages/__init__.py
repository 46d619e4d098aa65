"""The pages: what is published, for people; views in, bytes out, and no request of any network."""
