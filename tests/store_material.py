"""What `support/store` holds, under the name by which programs beside the repository import it (../shared/cases)."""

from tests.support.store import ANN, BOB, Clock, add_hits, enrol, hit_of, kept_files, picture, reference_of

__all__ = ["ANN", "BOB", "Clock", "add_hits", "enrol", "hit_of", "kept_files", "picture", "reference_of"]
