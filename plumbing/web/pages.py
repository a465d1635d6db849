"""Server-rendered pages: Jinja2 templates, gettext words, the language the browser asks for."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel.support import NullTranslations, Translations
from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from starlette.requests import Request
from starlette.responses import HTMLResponse
from typing_extensions import override

from plumbing.web.filters import FILTERS

if TYPE_CHECKING:
    from types import CodeType

_HERE: Final = Path(__file__).parent
LOCALES: Final = _HERE / "locales"
SOURCE_LANGUAGE: Final = "en"
_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


class _CompiledOnce(BytecodeCache):
    """Keeps what a template compiles to for every language and service of this process, by its path and its text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


# Compiling takes a hundred times as long as rendering. The words are looked up when a page is rendered, so all our
# languages share the code.
_COMPILED: Final = _CompiledOnce()


class Pages:
    """Renders templates of one service in the language of whoever asks.

    Args:
        folder: the role's own templates; they extend `base.html` and import `components.html` from here.
        site_name: shown in the header and the title.
    """

    def __init__(self, folder: Path, *, site_name: str) -> None:
        loader = ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(_HERE / "templates")])
        self._languages = available_languages()
        self._environments = {language: _environment(loader, language, site_name) for language in self._languages}

    def render(
        self, request: Request, template: str, values: Mapping[str, object], *, status: int = 200
    ) -> HTMLResponse:
        """Render `template` with `values`; the page is never stored by caches on the way."""
        language = self.language_of(request)
        html = self._environments[language].get_template(template).render({"request_path": request.url.path, **values})
        headers = {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept-Language, Cookie"}
        return HTMLResponse(html, status_code=status, headers=headers)

    def language_of(self, request: Request) -> str:
        """Choose among our languages by `Accept-Language` (RFC 9110 §12.5.4); English if none fits."""
        for asked in _asked_languages(request.headers.get("accept-language", "")):
            if asked.split("-")[0] in self._languages:
                return asked.split("-")[0]
        return SOURCE_LANGUAGE


def available_languages() -> tuple[str, ...]:
    """List English and every language with a compiled catalogue."""
    compiled = sorted(path.parent.parent.name for path in LOCALES.glob("*/LC_MESSAGES/messages.mo"))
    return (SOURCE_LANGUAGE, *(language for language in compiled if language != SOURCE_LANGUAGE))


def _asked_languages(header: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        name, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        weighted.append((weight, name.strip().lower()))
    return [name for weight, name in sorted(weighted, key=lambda entry: -entry[0]) if weight > 0]


def _environment(loader: ChoiceLoader, language: str, site_name: str) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        language=language,
        direction="rtl" if language in _RIGHT_TO_LEFT else "ltr",
        site_name=site_name,
    )
    translations = _translations(language)
    install = environment.install_gettext_translations  # type: ignore[attr-defined]  # added by the i18n extension
    install(translations, newstyle=True)
    return environment


def _translations(language: str) -> NullTranslations:
    return Translations.load(LOCALES, [language]) if language != SOURCE_LANGUAGE else NullTranslations()
