"""The confidentiality search: no secret name stands in the clear, in whatever form."""
