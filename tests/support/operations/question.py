"""One request to a vendor of the operations team, as the vendors' tables of facts are asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.loopback import Reply

#: What the team's rule files take from the environment, beside the vendors' address.
CREDENTIALS = {
    "WHATAP_TOKEN": "X2QEP7TOKENOFTHEPROJECT0",
    "NEZHA_TOKEN": "TOKENOFTHEDASHBOARDTHIRTYTWOLONG",
    "CHECKMK_SECRET": "secret-of-the-automation-user",
    "NHN_APPKEY": "81713f1cc96b4eae834f7535ec4fae7a",
    "NHN_PRODUCT_APPKEY": "nEa8rWcPk2YtUq5d",
    "WATCHER_APPKEY": "Vb3nQ8sLx0Gm7ZyT",
    "WATCHER_ACCESS_KEY": "access-key-of-a-member",
    "WATCHER_SECRET_KEY": "secret-key-of-that-member",
}


@dataclass(frozen=True)
class Question:
    """What a vendor was asked, and when (epoch seconds).

    `source` is the name of the source, `settings` what its rule file says of it, `url` its address; `path` is below
    that. `take` lets as many seconds pass until the answer is there.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    source: str
    settings: Mapping[str, Any]
    url: str
    take: Callable[[float], None]


def as_json(document: Any, status: int = 200) -> Reply:
    """The reply that holds a JSON document."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8"})
