"""Episodes and hops worked out by their SQL texts, where the settings say so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphs.episodes import EpisodeRules, Known, Sighting
from graphs.episodes_sql import set_episodes
from graphs.hops import Frame
from graphs.hops_sql import set_hops
from waterbed.model.conclusions import Episode, Hop
from waterbed.store.engine import Engine
from waterbed.store.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class ByText:
    """The engine that runs the texts, and where it may put what does not fit into memory."""

    engine: Engine
    folder: Path

    def episodes(
        self, known: Mapping[str, Known], sightings: Mapping[str, Sequence[Sighting]], rules: EpisodeRules
    ) -> list[Episode]:
        """The same episodes as the pure definition's."""
        return set_episodes(known, sightings, rules, folder=self.folder, engine=self.engine)

    def hops(self, episodes: Iterable[Episode], frame: Frame) -> list[Hop]:
        """The same hops as the pure definition's."""
        return set_hops(episodes, frame, folder=self.folder, engine=self.engine)


def by_text_of(folder: Folder) -> ByText | None:
    """What the settings of a study say; None: the pure definitions work."""
    engine = folder.config.engine
    return None if engine == "python" else ByText(engine=engine, folder=folder.path)
