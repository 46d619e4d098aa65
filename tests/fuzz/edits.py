"""Messages with a few changes."""

from collections.abc import Sequence

from hypothesis import strategies as st

Edit = tuple[str, float, bytes]
edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double", "replace"]),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=40),
    ),
    max_size=6,
)


def edited(data: bytes, changes: Sequence[Edit]) -> bytes:
    """A message with a few changes, each at a place between its start and its end."""
    for kind, where, piece in changes:
        at = int(where * len(data))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes((data[at] ^ piece[0],)) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "double":
            data = data[:at] + data[max(0, at - 200) : at] * 3 + data[at:]
        elif kind == "replace":
            data = data[:at] + piece + data[at + len(piece) :]
    return data
