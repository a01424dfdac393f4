"""From a settings class to the options of a command: declared once there, derived here."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from liveseg.errors import UsageError
from liveseg.settings import about

if TYPE_CHECKING:
    import dataclasses
    from collections.abc import Callable

    from liveseg.settings import Option


def with_settings(settings: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of a settings class; it receives them as one `settings` argument."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        fields = about(settings)
        hints = get_type_hints(settings)

        @functools.wraps(command)
        def run(**values: Any) -> None:
            given = {own.name: values.pop(own.name) for own, _ in fields}
            chosen = {
                own.name: tuple(given[own.name] or ()) if told.repeat else given[own.name] for own, told in fields
            }
            command(**values, settings=settings(**chosen))

        own_hints = get_type_hints(command, include_extras=True)
        parameters = [
            parameter.replace(annotation=own_hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in inspect.signature(command).parameters.items()
            if name != "settings"
        ]
        parameters += [_parameter(own, told, hints[own.name]) for own, told in fields]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _parameter(own: dataclasses.Field[Any], told: Option, hint: Any) -> inspect.Parameter:
    flag = "--" + own.name.replace("_", "-")
    about_it: dict[str, Any] = {
        "help": told.help,
        "rich_help_panel": told.group,
        "metavar": told.metavar,
        "show_default": told.shown or own.default not in (None, True, False),
    }
    default = own.default
    if hint is bool:
        # Only the form that changes something is worth a line of the help.
        flags = [f" /--no-{own.name}"] if own.default is True else [flag]
    elif hint == bool | None:
        flags = [f"{flag}/--no-{own.name}"]
    else:
        flags = [flag]
        about_it |= _value(told)
        if told.parse is not None:
            hint = Any
            default = ",".join(own.default) if isinstance(own.default, tuple) else own.default
            default = None if default is None else str(default)
        if told.repeat:
            hint = list[str] if told.parse is None else list[Any]
            default = None
    info = typer.Option(*told.flags, *flags, **about_it)
    return inspect.Parameter(
        own.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint, info]
    )


def _value(told: Option) -> dict[str, Any]:
    if told.parse is not None:
        return {"parser": _as_click_parser(told.parse)}
    return {"min": told.least, "max": told.most}


def _as_click_parser(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    @functools.wraps(parse)
    def parser(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        try:
            return parse(text)
        except UsageError as error:
            raise typer.BadParameter(str(error)) from error

    return parser
