"""A real yaml-language-server, installed with npm, and as much of its protocol as completion and diagnostics need."""

from __future__ import annotations

import fcntl
import json
import queue
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "1.25.0"
#: How long npm may take, and how long the server may think about one question.
INSTALL_S = 30.0
ANSWER_S = 30.0


class NotInstalledError(Exception):
    """Node or npm is not here, or npm could not install the server: says which."""


def installed(folder: Path, run: str) -> Path:
    """The server's script, installed into a folder unless it is there already.

    The processes of one test run, which `run` names, wait for each other, and none tries again what failed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalledError("node or npm is not installed")
    done, failed = folder / "installed", folder / "failed"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            before, _, reason = failed.read_text().partition("\n") if failed.exists() else ("", "", "")
            if before != run:
                reason = _install(npm, folder)
                failed.write_text(f"{run}\n{reason}")
            if reason:
                raise NotInstalledError(reason)
            done.touch()
    return folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


def _install(npm: str, folder: Path) -> str:
    """Install; why it failed, or nothing."""
    argv = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--fetch-retries=0"]
    argv += ["--prefix", str(folder), f"yaml-language-server@{VERSION}"]
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_S, check=False, cwd=folder)
    except subprocess.TimeoutExpired:
        return f"npm took longer than {INSTALL_S:g} s"
    said = [line for line in ended.stderr.splitlines() if line.strip()] or ["no reason given"]
    return f"npm cannot install: {said[0]}" if ended.returncode else ""


@dataclass(frozen=True)
class Diagnostic:
    """What the server finds wrong: the line, counted from 0, and its sentence."""

    line: int
    message: str


class LanguageServer:
    """One running server that knows one schema for all files; `with` ends it."""

    def __init__(self, script: Path, schema: Path | None) -> None:
        node = shutil.which("node") or "node"
        self._settings = {
            "validate": True,
            "completion": True,
            "schemas": {schema.as_uri(): "*"} if schema else {},
            "schemaStore": {"enable": False},
        }
        self._process = subprocess.Popen(
            [node, str(script), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._diagnostics: queue.Queue[tuple[str, list[Diagnostic]]] = queue.Queue()
        self._configured = threading.Event()
        self._asked = 0
        self._opened = 0
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        capabilities = {"workspace": {"configuration": True}, "textDocument": {"publishDiagnostics": {}}}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": {"yaml": self._settings}})
        # Before it has asked for its settings, the server knows no schema and finds nothing to say.
        assert self._configured.wait(ANSWER_S)

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def completions(self, text: str) -> list[str]:
        """What the server offers where `^` stands in the text."""
        return [str(item["label"]) for item in self._items(text)]

    def documentation(self, text: str, label: str) -> str:
        """What the server says of one completion where `^` stands."""
        return next(str(item.get("documentation", "")) for item in self._items(text) if item["label"] == label)

    def diagnostics(self, text: str) -> list[Diagnostic]:
        """What the server finds wrong with a text."""
        uri = self._open(text)
        while True:
            about, found = self._diagnostics.get(timeout=ANSWER_S)
            if about == uri:
                return found

    def _items(self, text: str) -> list[dict[str, Any]]:
        before, _, after = text.partition("^")
        uri = self._open(before + after)
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        answer = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return list(answer["items"])

    def _open(self, text: str) -> str:
        self._opened += 1
        uri = f"file:///checks.d/{self._opened}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        answer = self._answers.get(timeout=ANSWER_S)
        assert answer["id"] == self._asked
        assert "error" not in answer, answer
        return answer["result"]

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read_all(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                return
            self._receive(json.loads(stream.read(length)))

    def _receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            params = message["params"]
            found = [Diagnostic(one["range"]["start"]["line"], one["message"]) for one in params["diagnostics"]]
            self._diagnostics.put((params["uri"], found))
        elif method == "workspace/configuration":
            known = {"yaml": self._settings}
            result = [known.get(item.get("section"), {}) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": result})
            self._configured.set()
        elif method is not None and "id" in message:
            self._send({"id": message["id"], "result": None})
        elif method is None:
            self._answers.put(message)
