"""Tables and pages as they are shown: options, printing, layout, figures."""
