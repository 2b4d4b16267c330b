"""One self-contained page: parts -> template -> HTML. Nothing is loaded from anywhere when it is opened."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from presage.findings import Findings
from presage.findings.files import is_address, read_address, write_address, write_whole
from presage.report.assembly import answer, meaning, missing, parts
from presage.report.figures.canvas import plain
from presage.report.parts import Figure, Part, Picture

_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}


def render(findings: Findings, folder: Path | str) -> Path | str:
    """Write ``report.html`` into `folder` and return its path, or its address.

    Parameters
    ----------
    findings
        What was found.
    folder
        The run folder, or its fsspec address. Example images are read below it; without them the page says so and is
        otherwise the same.
    """
    if is_address(folder):
        address = str(folder).rstrip("/")
        return write_address(f"{address}/report.html", to_html(findings, address))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return write_whole(folder / "report.html", to_html(findings, folder))


def to_html(findings: Findings, folder: Path | str | None = None) -> str:
    """The page as text; the same findings and images give the same bytes."""
    document = findings.document
    return html_of(
        document.get("title") or "Findings",
        parts(findings),
        phantom=bool(document.get("phantom")),
        sentence=answer(findings).removeprefix("Made-up data, no clinical meaning. "),
        also=meaning(findings),
        missing=missing(findings),
        facts=_facts(document),
        version=(document.get("software") or {}).get("presage", ""),
        folder=folder,
    )


def html_of(
    title: str,
    shown: Sequence[Part],
    *,
    phantom: bool,
    sentence: str,
    facts: Sequence[tuple[str, str]] = (),
    also: str = "",
    missing: str = "",
    version: str = "",
    folder: Path | str | None = None,
    source: str = "findings.json",
) -> str:
    """Parts as one self-contained page.

    Parameters
    ----------
    title, sentence, also, missing, facts
        The head: heading, the answer in a sentence, what follows from it, what is lacking, and short facts.
    shown
        The sections in order.
    phantom
        Whether the people are made up; the page says so at the top and in print.
    version
        Of the package, for the foot.
    folder
        Where example images are looked for.
    source
        What the page was written from, for the foot.
    """
    script = _resource("page.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            picture=lambda image: _picture(image, folder),
            title=title,
            phantom=phantom,
            sentence=sentence,
            also=also,
            missing=missing,
            facts=facts,
            parts=shown,
            groups=group,
            style=Markup(_resource("page.css")),
            script=Markup(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            version=version,
            source=source,
        )
    )


@cache
def _environment() -> Environment:
    """Templates, read once: a cohort has hundreds of pages."""
    environment = Environment(
        loader=PackageLoader("presage.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["drawing"] = Markup
    environment.filters["cell"] = cell
    environment.filters["tidy"] = tidy
    environment.globals["svg_file"] = svg_file
    environment.tests["figure"] = lambda block: isinstance(block, Figure)
    return environment


def group(part: Part) -> list[list[Any]]:
    """Blocks of a part; neighbouring narrow figures stand side by side."""
    rows: list[list[Any]] = []
    for block in part.blocks:
        narrow = isinstance(block, Figure) and not block.wide
        last = rows[-1][0] if rows else None
        if narrow and isinstance(last, Figure) and not last.wide:
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows


def cell(text: str) -> Markup:
    """A table cell; an interval in brackets stays together, on a line of its own."""
    found = re.fullmatch(r"(\S.*?) (\([^()]* to [^()]*\))", text)
    if found is None:
        return escape(tidy(text))
    return Markup('{}<span class="range"> {}</span>').format(*map(tidy, found.groups()))


def tidy(text: str) -> str:
    """Text with the spaces kept that must not break a line: before a percent sign, after a comparison."""
    return re.sub(r"(?<=\d) (?=%)|(?<=%) (?=CI)|(?<=[<=≥≤]) (?=\d)|(?<=\bn) (?==)", "\u00a0", text)


def svg_file(figure: Figure, phantom: bool) -> str:
    """The drawing as a file of its own: no CSS variables, a white ground; made-up data stay marked as such."""
    opened = figure.svg.index(">") + 1
    ground = '<rect width="100%" height="100%" style="fill:#ffffff"/>'
    if phantom:
        ground += '<text x="4" y="10" font-size="9" font-weight="600" style="fill:#7a4d00">MADE-UP DATA</text>'
    return plain(figure.svg[:opened] + ground + figure.svg[opened:])


def data_uri(text: str | bytes, kind: str) -> str:
    """A download or an image inside the page."""
    content = text.encode() if isinstance(text, str) else text
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _picture(shown: Picture, folder: Path | str | None) -> str | None:
    """The image as a data address, or None where it is not below the run folder."""
    if folder is None or Path(shown.file).suffix.lower() not in _IMAGES:
        return None
    kind = _IMAGES[Path(shown.file).suffix.lower()]
    if isinstance(folder, str):
        inside = ".." not in Path(shown.file).parts and not is_address(shown.file)
        data = read_address(f"{folder}/{shown.file}") if inside else None
        return None if data is None else data_uri(data, kind)
    path = (folder / shown.file).resolve()
    # A findings file from elsewhere must not pull other files of this machine into a page that is passed on.
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    return data_uri(path.read_bytes(), kind)


def _facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    about, validation = document.get("cohort", {}), document.get("validation") or {}
    facts = []
    if "n_patients" in about:
        facts.append(("Patients", f"{about['n_patients']:,}"))
    if about.get("n_cases") is not None:
        timed = (document.get("outcome") or {}).get("kind") == "time-to-event"
        facts.append(("Events" if timed else "Cases", f"{about['n_cases']:,}"))
    if about.get("n_rows"):
        facts.append(("Rows", f"{about['n_rows']:,}"))
    if about.get("n_recordings"):
        facts.append(("Recordings", f"{about['n_recordings']:,}"))
    if document.get("standard", {}).get("name"):
        facts.append(("Standard", document["standard"]["name"]))
    if validation.get("folds"):
        group = str(validation.get("group_by") or "patient").replace("_", " ")
        facts.append(("Validation", f"{validation.get('repeats', 1)} × {validation['folds']}-fold, by {group}"))
    elif validation.get("given_folds"):
        facts.append(("Validation", f"{validation['given_folds']}-fold cross-validation, as given"))
    elif document.get("sections"):
        facts.append(("Validation", "scores as given"))
    return facts


def _resource(name: str) -> str:
    return (files("presage.report") / "templates" / name).read_text(encoding="utf-8")
