"""What is done in a destination: logs that workers append to, Parquet files that they become, and who may write."""

from liveseg.batch.manifest.compact import Compacted
from liveseg.batch.manifest.errors import ChangedSettingsError, DestinationBusyError, LostLockError, ManifestError
from liveseg.batch.manifest.facts import RunFacts
from liveseg.batch.manifest.index import Found, Index
from liveseg.batch.manifest.latest import Known
from liveseg.batch.manifest.lock import Lock
from liveseg.batch.manifest.log import WorkerLog
from liveseg.batch.manifest.manifest import Manifest

__all__ = [
    "ChangedSettingsError",
    "Compacted",
    "DestinationBusyError",
    "Found",
    "Index",
    "Known",
    "Lock",
    "LostLockError",
    "Manifest",
    "ManifestError",
    "RunFacts",
    "WorkerLog",
]
