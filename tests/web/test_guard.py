"""Other sites, other names, other machines: who may ask the server for what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from sbir_cli.web.app import DrawingPage
from sbir_cli.web.guard import COOKIE, Guard, Limits
from sbir_cli.web.watched import WatchedGallery
from tests.web.conftest import HOST, Client, asked

PLACES = ["/", "/static/main.js", "/api/start", "/photo/0/x/0/small"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "host", ["evil.example:7342", "127.0.0.1", "127.0.0.1:80", "", "127.0.0.1.evil.example:7342"]
)
def test_a_name_that_was_made_point_here_gets_nothing(
    client: Client, place: str, host: str
) -> None:
    response = client.get(place, headers={"Host": host})
    assert response.status_code == 421 and "error" in response.json()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"https://{HOST}", "http://x"])
def test_a_post_from_another_site_is_refused(client: Client, origin: str) -> None:
    for place in ("/api/find", "/api/read", "/api/reveal"):
        response = client.post(place, json=asked(), headers={"Origin": origin})
        assert response.status_code == 403


def test_a_picture_shown_in_another_site_is_refused_but_a_link_to_the_page_is_not(
    client: Client,
) -> None:
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/photo/0/x/0/small", headers=cross).status_code == 403
    assert client.get("/api/start", headers=cross).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/api/start", headers=link).status_code == 403


def test_the_page_itself_may_ask(client: Client) -> None:
    own = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/find", json=asked(), headers=own).status_code == 200


def test_every_answer_keeps_the_page_to_itself(client: Client) -> None:
    for response in (
        client.get("/"),
        client.get("/nowhere"),
        client.get("/", headers={"Host": "x"}),
    ):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in response.headers


def test_the_page_has_no_inline_script_or_style(client: Client) -> None:
    page = client.get("/").text
    assert page.count("<script") == 1 == page.count('<script type="module" src="/static/main.js">')
    assert "<style" not in page and " style=" not in page and " onclick" not in page
    assert "http://" not in page and "https://" not in page


def _with_limits(watched: WatchedGallery, token: str | None, **limits: float) -> TestClient:
    app = DrawingPage([watched]).app
    guard = Guard(app, frozenset({HOST}), token, Limits(**limits))  # type: ignore[arg-type]
    return TestClient(guard, f"http://{HOST}", follow_redirects=False)


def test_a_post_that_says_or_proves_to_be_too_large_is_refused(watched: WatchedGallery) -> None:
    client = _with_limits(watched, None, body_bytes=1000)
    assert client.post("/api/read", content=b"x" * 1001).status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100

    assert client.post("/api/read", content=chunks()).status_code == 413
    assert (
        client.post("/api/read", content=b"", headers={"Content-Length": "-5"}).status_code == 413
    )


def test_too_many_posts_wait_and_reading_goes_on(watched: WatchedGallery) -> None:
    client = _with_limits(watched, None, posts_at_once=3, posts_per_second=0.01)
    codes = [client.post("/api/find", json=asked()).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert client.get("/api/start").status_code == 200


def test_in_the_network_only_the_token_of_the_address_opens_the_page(
    watched: WatchedGallery,
) -> None:
    client = _with_limits(watched, "secret-token")
    for place in (*PLACES, "/?token=wrong", "/?token=", "/api/start?token=secret-token"):
        assert client.get(place).status_code == 401, place
    client.cookies.set(COOKIE, "wrong")
    assert client.get("/").status_code == 401
    client.cookies.clear()
    opened = client.get("/?token=secret-token")
    assert opened.status_code == 303 and opened.headers["location"] == "/"
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/").status_code == 200  # by the cookie
    assert client.post("/api/find", json=asked()).status_code == 200
