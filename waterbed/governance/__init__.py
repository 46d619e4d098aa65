"""People's decisions on record.

Keys, hosters, quarantines, replies, protocol.
"""
