"""Tests ask a replica as a plain HTTP client does, without any of the sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

FEW = 50
"""Pages after which a test gives up following links."""


@dataclass(frozen=True)
class Answer:
    """One whole answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: Any
    links: dict[str, str]
    """Of the Link header, by relation."""


@dataclass(frozen=True)
class Client:
    """Asks one replica, with the headers that every request carries."""

    session: aiohttp.ClientSession
    origin: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """GET a path, or an absolute URL such as a link."""
        url = path if path.startswith("http") else self.origin + path
        asked = self.session.get(url, headers=self.headers, params=params, allow_redirects=False)
        async with asked as response:
            body = await response.json(content_type=None) if response.content_type.endswith("json") else None
            links = {str(rel): str(link["url"]) for rel, link in response.links.items()}
            return Answer(response.status, response.headers, body, links)

    async def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        following: Callable[[Answer], str | None] = lambda answer: answer.links.get("next"),
    ) -> list[Answer]:
        """GET every page until there is no next one, or until ``FEW`` pages."""
        answers = [await self.get(path, params)]
        while (url := following(answers[-1])) is not None and len(answers) < FEW:
            answers.append(await self.get(url))
        return answers
