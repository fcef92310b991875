"""The words that a user typed for a command, checked before they are converted: a mistake becomes one sentence that
names what to type instead."""

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from grokscope.registry import component, names, near, shortened

CLOSE = 0.75  # of a flag that other commands or the fields have: two thirds (`near`) would offer --top for --step


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing that a command takes. flags: its spellings, none for a word by its place. kind: int, float, bool, or
    object for any other. choices: all its values, where they are few. many: it may be given often, or left out."""

    flags: tuple[str, ...]
    metavar: str
    kind: type
    choices: tuple[str, ...]
    required: bool
    many: bool

    @property
    def shown(self) -> str:
        """How it is typed."""
        return f"{self.flags[-1]} {self.metavar}" if self.flags else self.metavar

    def require(self, value: str) -> None:
        """ValueError for a value that it does not take."""
        name = self.flags[-1] if self.flags else self.metavar
        if self.choices and value not in self.choices:
            alike = near(value, self.choices)
            offer = f"; did you mean {alike[0]}?" if alike else ""
            raise ValueError(f"{name} takes {_listed(self.choices)}, got {shortened(value)}{offer}")
        if self.kind in (int, float):
            try:
                self.kind(value)
            except ValueError:
                what = "a whole number" if self.kind is int else "a number"
                raise ValueError(f"{name} takes {what}, got {shortened(value)}") from None


def options(command: Callable[..., Any]) -> list[Option]:
    """What a command takes, in its order, without --plugin and --help."""
    hints = get_type_hints(command, include_extras=True)
    return [_option(one, hints[one.name]) for one in inspect.signature(command).parameters.values()]


def _option(parameter: inspect.Parameter, hint: Any) -> Option:
    base, marks = _unwrapped(hint)
    many = get_origin(base) in (list, tuple)
    choices = get_args(base) if get_origin(base) is Literal else _first(marks, "choices") or ()
    own = "--" + (_first(marks, "name") or parameter.name).replace("_", "-")
    kind = base if base in (int, float, bool) else object
    by_place = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    return Option(
        flags=() if by_place else (*(_first(marks, "aliases") or ()), own),
        metavar=_first(marks, "metavar") or "|".join(choices) or getattr(base, "__name__", "VALUE").upper(),
        kind=kind,
        choices=tuple(choices),
        required=parameter.default is parameter.empty and not many,
        many=many,
    )


def _unwrapped(hint: Any) -> tuple[Any, list[Any]]:
    """A type without None, and the marks that were put on it, the outermost first."""
    marks: list[Any] = []
    while get_origin(hint) in (Annotated, Union, UnionType):
        if get_origin(hint) is Annotated:
            hint, *found = get_args(hint)
            marks = [*marks, *reversed(found)]
        else:
            rest = [one for one in get_args(hint) if one is not NoneType]
            if len(rest) > 1:
                break
            hint = rest[0]
    return hint, marks


def _first(marks: Sequence[Any], attribute: str) -> Any:
    """Of marks of tyro, such as `tyro.conf.arg(metavar="FILE")`."""
    return next((found for mark in marks if (found := getattr(mark, attribute, None))), None)


def check(name: str, known: Sequence[Option], words: Sequence[str], example: str) -> None:
    """ValueError, of one sentence, for words that a command does not take. example: how it is typed, or empty."""
    by_flag = {flag: option for option in known for flag in option.flags}
    places = [option for option in known if not option.flags]
    given: list[Option] = []
    for option, value in _read(name, by_flag, places, words):
        given.append(option)
        if value is not None:
            option.require(value)
    missing = [option.shown for option in known if option.required and option not in given]
    if missing:
        raise ValueError(
            f"grokscope {name} needs {_listed(missing, 'and')}" + (f"; for instance: {example}" if example else "")
        )


def _read(
    name: str, by_flag: Mapping[str, Option], places: Sequence[Option], words: Sequence[str]
) -> Iterator[tuple[Option, str | None]]:
    """Each option that was given, with its value."""
    at, taken = 0, 0
    while at < len(words):
        word, at = words[at], at + 1
        if not _is_flag(word):
            place = next((one for one in places[taken:] if not one.many), None) or next(
                (one for one in places if one.many), None
            )
            if place is None:
                raise ValueError(_too_many(name, by_flag, places, word))
            field, equals, value = word.partition("=")
            if equals and place.metavar == "RECIPE" and _field(field) == field:
                raise ValueError(f"a setting is given with --set: --set {field}={value}")
            taken += not place.many
            yield place, word
            continue
        flag, equals, value = word.partition("=")
        option = by_flag.get(flag) or by_flag.get(f"--{flag.removeprefix('--').replace('_', '-')}")
        if option is None:
            following = value if equals else next(iter(words[at:]), "")
            raise ValueError(_no_such(name, by_flag, flag, "" if not equals and _is_flag(following) else following))
        if option.kind is bool:
            if equals:
                raise ValueError(f"{flag} takes no value: leave out ={value}")
        elif not equals:
            if at == len(words) or _is_flag(words[at]):
                came = f"; one that begins with - is given as {flag}={words[at]}" if at < len(words) else ""
                raise ValueError(f"{flag} needs a value: {option.shown}{came}")
            value, at = words[at], at + 1
        yield option, None if option.kind is bool else value


def _is_flag(word: str) -> bool:
    """Whether a word is an option and no value: "-" and a letter; -1 and -.5 are numbers."""
    return word.startswith("-") and word.lstrip("-")[:1].isalpha()


def _no_such(name: str, by_flag: Mapping[str, Option], flag: str, value: str) -> str:
    """The message for an unknown option: the field of a run that it is, the nearest option of this command, or the
    nearest field and the commands that have it."""
    bare = flag.lstrip("-").replace("-", "_")
    head, tail = f"grokscope {name} has no option {shortened(flag)[1:-1]}", f"grokscope {name} --help lists all"
    field = _field(bare) if "--set" in by_flag else None
    sets = f"--set {field}={value or 'VALUE'}"
    if field is not None and not near(bare, [field], CLOSE):
        return f"{head}: {bare} is the field {field} of the run, {sets}; {tail}"
    if field == bare:
        return f"{head}: {field} is a field of the run, {sets}; {tail}"
    offers = near(flag, [*by_flag, "--help"])[:1]
    if not offers:
        others = [(other, one) for other in names("cli") if other != name for one in _flags(other, flag)]
        offers = [sets] * (field is not None) + [f"{one} of grokscope {other}" for other, one in others[:2]]
    return f"{head}: did you mean {_listed(offers)}? {tail}" if offers else f"{head}; {tail}"


def _field(name: str) -> str | None:
    """The field of a run, of any component, that a word stands for."""
    from grokscope.runs.config import every_field
    from grokscope.runs.fields import field_named

    return field_named(name, {field for field, *_ in every_field()}, cutoff=CLOSE)


def _flags(command: str, flag: str) -> list[str]:
    """The option of a command that is written nearly so."""
    known = [one for option in options(component("cli", command)) for one in option.flags]
    return difflib.get_close_matches(flag, known, n=1, cutoff=CLOSE + 0.1)


def _too_many(name: str, by_flag: Mapping[str, Option], places: Sequence[Option], word: str) -> str:
    field, equals, value = word.partition("=")
    if equals and "--set" in by_flag and (known := _field(field)):
        return f"a setting is given with --set: --set {known}={value}"
    takes = f"takes {_listed([one.shown for one in places], 'and')} alone" if places else "takes options alone"
    return f"grokscope {name} {takes}, got {shortened(word)} too; grokscope {name} --help says more"


def _listed(words: Sequence[str], joint: str = "or") -> str:
    *others, last = words
    return f"{', '.join(others)} {joint} {last}" if others else last
