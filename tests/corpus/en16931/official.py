"""The European artefacts themselves: fetched once by Maven, run by Saxon. Never part of what is delivered."""

import fcntl
import shutil
import subprocess
import zipfile
from pathlib import Path

import saxonche
from lxml import etree

from deploy.servers import tools
from deploy.servers.errors import StackError
from deploy.servers.workspace import cache

_ARTEFACT = "com.helger.phive.rules:phive-rules-en16931:4.3.7"
RELEASE = "1.3.16"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_ATTRIBUTE = "{http://www.w3.org/1999/XSL/Transform}attribute"
_SECONDS = 90


class NotReachable(Exception):
    """The artefact cannot be fetched from here; the text says why."""


def _jar() -> Path:
    """The artefact in the cache, fetched if it is not there. Raises NotReachable."""
    target = cache() / "schematron"
    target.mkdir(parents=True, exist_ok=True)
    name, version = _ARTEFACT.split(":")[1:]
    jar = target / f"{name}-{version}.jar"
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jar.exists():
            _fetch(target, jar)
    return jar


def _fetch(target: Path, jar: Path) -> None:
    fresh = target / ".fetching"
    try:
        command = [
            tools.maven(),
            "-B",
            "-q",
            "dependency:copy",
            f"-Dartifact={_ARTEFACT}",
            f"-DoutputDirectory={fresh}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=target)
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no word"]
            raise NotReachable(f"Maven could not bring {_ARTEFACT}: {said[0]}")
        (fresh / jar.name).rename(jar)
    except (StackError, subprocess.TimeoutExpired) as error:
        raise NotReachable(f"{_ARTEFACT}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class Official:
    """The rules, compiled. Raises NotReachable when they cannot be had."""

    def __init__(self) -> None:
        jar = _jar()
        self._saxon = saxonche.PySaxonProcessor(license=False)
        xslt = self._saxon.new_xslt30_processor()
        self._sheets: dict[str, saxonche.PyXsltExecutable] = {}
        self._sources: list[str] = []
        with zipfile.ZipFile(jar) as content:
            for syntax in ("ubl", "cii"):
                name = f"external/schematron/{RELEASE}/{syntax}/EN16931-{syntax.upper()}-validation.xslt"
                text = content.read(name).decode()
                self._sheets[syntax] = xslt.compile_stylesheet(stylesheet_text=text)
                self._sources.append(text)

    def rules(self) -> set[str]:
        """Every rule that refuses, and the one of the standard's own that only warns."""
        found: set[str] = set()
        for source in self._sources:
            for rule in etree.fromstring(source.encode()).iter(_SVRL):
                said = {one.get("name"): one.text for one in rule.iter(_ATTRIBUTE)}
                if said["flag"] == "fatal" or str(said["id"]).startswith("BR-"):
                    found.add(str(said["id"]))
        return found

    def fired(self, data: bytes, syntax: str) -> set[str] | None:
        """The rules that a document breaks; None where they stop at it, for it holds no number where one has to be."""
        try:
            node = self._saxon.parse_xml(xml_text=data.decode())
            answer = self._sheets[syntax].transform_to_string(xdm_node=node)
        except saxonche.PySaxonApiError:
            return None
        found = etree.fromstring(answer.encode()).iter(_SVRL)
        return {str(one.get("id")) for one in found if one.get("flag") == "fatal" or one.get("id") == "BR-51"}
