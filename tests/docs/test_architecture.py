"""The architecture page says what the code says of itself."""

from tests.docs.architecture import PAGE, ROOT, WORKSHOPS, layers, rooms, whole


def test_rooms_and_layers_on_the_page_are_those_of_the_code() -> None:
    """The page's made parts are up to date: python -m tests.docs.architecture writes them."""
    text = PAGE.read_text()
    assert whole(text) == text


def test_every_folder_of_modules_is_in_a_room() -> None:
    """Nothing stands outside the rooms, and the contract has at most thirteen lines and eighteen rooms."""
    named = {folder for folder, _ in rooms()}
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("waterbed", *WORKSHOPS)
        for path in (ROOT / top).rglob("*.py")
        if "migrations" not in path.parts
    }
    assert found - named == {"waterbed"}
    assert len(layers()) <= 13
    assert sum(room.startswith("waterbed.") for line in layers() for room in line.split(" | ")) <= 18


def test_a_room_has_one_short_sentence() -> None:
    """Each package says in one short sentence what may go in."""
    long = {folder: sentence for folder, sentence in rooms() if not 2 <= len(sentence.split()) <= 20}
    assert long == {}
