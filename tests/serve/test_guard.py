"""Who may ask: names of this server, pages of this server, holders of the token. And what a page may load."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from grokscope.serve.guard import OF_REPORTS, POLICY
from grokscope.serve.server import is_local
from tests.serve.conftest import SAME, opened

BODY = {"runs": ["x"]}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("testserver", 200), ("TESTSERVER:9999", 200), ("evil.example", 421), ("testserver.evil.example", 421),
        ("192.168.1.5", 421), ("", 421), ("[::1", 421), ("evil@testserver", 200), ("testserver@evil", 421),
    ],
)  # fmt: skip
def test_a_foreign_name_is_refused(client: TestClient, host: str, status: int) -> None:
    assert client.get("/data/runs", headers={"host": host}).status_code == status


def test_beyond_this_machine_addresses_in_digits_are_no_names(still: Path) -> None:
    with opened(still, token="secret", every=True) as client:
        bearer = {"authorization": "Bearer secret"}
        for host, status in (("192.168.1.5:8642", 200), ("[fe80::1]:8642", 200), ("rebound.example", 421)):
            assert client.get("/data/runs", headers={"host": host} | bearer).status_code == status


@pytest.mark.parametrize("path", ["/", "/data/runs", "/static/x/live.css", "/stream", "/nothing"])
def test_without_the_token_nothing_is_told(still: Path, path: str) -> None:
    with opened(still, token="secret") as client:
        for given in ({}, {"token": "wrong"}, {"token": ""}):
            assert client.get(path, params=given).status_code == 401
        assert client.post("/data/label", json=BODY, headers=SAME).status_code == 401


def test_the_token_leaves_the_address_for_a_cookie(still: Path) -> None:
    with opened(still, token="secret") as client:
        first = client.get("/verdicts", params={"token": "secret", "lang": "zh"})
        assert (first.status_code, first.headers["location"]) == (303, "?lang=zh")
        assert "HttpOnly" in first.headers["set-cookie"]
        assert "SameSite=strict" in first.headers["set-cookie"]
        assert client.get("/data/runs").status_code == 200  # the client keeps the cookie
        client.cookies.clear()
        assert client.get("/data/runs").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403), ({"origin": "http://evil.example"}, 403), ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, 403),
        ({"origin": "http://testserver"}, 404), (SAME, 404),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/data/label", "/data/remove"])
def test_only_pages_of_this_server_change_something(client: TestClient, path: str, headers: dict, status: int) -> None:
    """404: the request came through, and the store has no such run."""
    assert client.post(path, json=BODY, headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/data/label", "/data/remove", "/data/restore"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_nothing_changes_by_another_method(client: TestClient, path: str, method: str) -> None:
    assert client.request(method, path, headers=SAME).status_code == 405


@pytest.mark.parametrize("path", ["/", "/studies", "/data/runs", "/nothing"])
def test_every_answer_says_what_a_page_may_load(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_no_policy_lets_anything_in_from_elsewhere() -> None:
    for policy in (POLICY, OF_REPORTS):
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "*" not in policy
    assert "unsafe" not in POLICY.partition("script-src")[2].partition(";")[0]
    assert "sandbox" in OF_REPORTS
    assert "allow-same-origin" not in OF_REPORTS


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.9.9.9", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("box.example", False)],
)  # fmt: skip
def test_what_is_this_machine_alone(host: str, local: bool) -> None:
    assert is_local(host) == local
