"""Every option of liveseg, declared once: its name, default, range and help.

The command line, and later the server and the batch driver, derive their options from these classes, a file for each
group of options; nobody declares one a second time. Values are checked here too, so that a Python caller gets the same
answers.
"""

from liveseg.settings.batch import BatchSettings
from liveseg.settings.bench import BenchSettings
from liveseg.settings.export import ExportSettings, GateSettings, QuantizeSettings
from liveseg.settings.model import ModelSettings, Precision, RuntimeName, Tta
from liveseg.settings.option import Option, about, check, option
from liveseg.settings.run import RunSettings
from liveseg.settings.serve import ServeSettings

__all__ = [
    "BatchSettings",
    "BenchSettings",
    "ExportSettings",
    "GateSettings",
    "ModelSettings",
    "Option",
    "Precision",
    "QuantizeSettings",
    "RunSettings",
    "RuntimeName",
    "ServeSettings",
    "Tta",
    "about",
    "check",
    "option",
]
