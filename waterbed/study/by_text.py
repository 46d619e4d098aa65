"""The SQL engine for episodes and hops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphs.episodes import EpisodeRules, Sighting, UrlHistory
from graphs.episodes_sql import set_episodes
from graphs.hops import HopContext
from graphs.hops_sql import set_hops
from waterbed.model.conclusions import Episode, Hop
from waterbed.store.engine import Engine
from waterbed.store.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class ByText:
    """The SQL engine for episodes and hops.

    `folder` is where it may put what does not fit into memory.
    """

    engine: Engine
    folder: Path

    def episodes(
        self, known: Mapping[str, UrlHistory], sightings: Mapping[str, Sequence[Sighting]], rules: EpisodeRules
    ) -> list[Episode]:
        """The same episodes as the pure definition's."""
        return set_episodes(known, sightings, rules, folder=self.folder, engine=self.engine)

    def hops(self, episodes: Iterable[Episode], context: HopContext) -> list[Hop]:
        """The same hops as the pure definition's."""
        return set_hops(episodes, context, folder=self.folder, engine=self.engine)


def by_text_of(folder: Folder) -> ByText | None:
    """Return the SQL engine of a study's settings.

    None: the pure definitions compute episodes and hops.
    """
    engine = folder.config.engine
    return None if engine == "python" else ByText(engine=engine, folder=folder.path)
