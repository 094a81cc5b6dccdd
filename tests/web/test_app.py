"""Questions, photos and updates, as the page asks for them."""

from __future__ import annotations

import base64
import io
import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sbir_cli.errors import ModelError
from sbir_cli.gallery import update_gallery
from sbir_cli.imaging.images import find_photos
from sbir_cli.web.watched import WatchedGallery
from tests.fakes import FakeEncoder, WholeFakeEncoder, draw_photo, draw_sketch
from tests.web.conftest import LINE, Ask, Client, asked


def _png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_drawing_finds_photos_that_can_be_fetched(client: Client, ask: Ask) -> None:
    answer = ask()
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, 11))
    assert answer["photos"] == 10 and not answer["further"]
    assert answer["seen"].startswith("data:image/png;base64,")
    for hit in answer["hits"]:
        photo = client.get(f"/photo/0/{answer['version']}/{hit['id']}/small")
        assert photo.status_code == 200 and photo.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(photo.content)).size == (48, 40)


def test_photos_come_in_pieces_that_fit_together(ask: Ask) -> None:
    whole = [hit["key"] for hit in ask()["hits"]]
    pieces = [ask(offset=offset, count=4) for offset in (0, 4, 8)]
    assert [hit["key"] for piece in pieces for hit in piece["hits"]] == whole
    assert [piece["further"] for piece in pieces] == [True, True, False]


def test_a_picture_is_a_drawing_too_and_the_model_sees_it_cut_out(ask: Ask) -> None:
    small = Image.new("L", (400, 400), 255)
    small.paste(draw_sketch(), (20, 300))
    both = [ask(like={"png": _png(image)})["hits"] for image in (small, draw_sketch())]
    assert both[0][0]["key"] == both[1][0]["key"]


def test_photos_steer_and_the_command_says_so(ask: Ask) -> None:
    first = ask()
    wanted = first["hits"][7]
    steer = {**{k: wanted[k] for k in ("id", "key", "name")}, "version": first["version"]}
    alone = ask(like=None, more=[steer])
    assert alone["hits"][0]["key"] == wanted["key"] and alone["seen"] is None
    nearer = [hit["key"] for hit in ask(more=[steer])["hits"]]
    assert nearer.index(wanted["key"]) < 7
    away = ask(less=[{**steer, "id": first["hits"][0]["id"]}])
    assert away["hits"][0]["key"] != first["hits"][0]["key"]
    assert away["command"].endswith(f"--unlike {first['hits'][0]['id']}")


def test_narrowed_down_and_cut(ask: Ask) -> None:
    answer = ask(where="deep", cut=0.5)
    assert 0 < len(answer["hits"]) <= 2 and all("deep" in hit["path"] for hit in answer["hits"])
    assert shlex.split(answer["command"])[-4:] == ["--where", "deep", "--min-score", "50%"]
    assert ask(where="nowhere/*")["hits"] == []


def test_only_what_beats_drawings_of_nothing(client: Client, ask: Ask) -> None:
    sure = ask(sure=True, cut=0.9)
    assert sure["hits"] == [] and sure["nothing"] == "Nothing here looks like your drawing."
    assert sure["command"].endswith("--min-score p95")
    assert ask()["nothing"] is None
    refused = client.post("/api/find", json=asked(sure=True, words="red"))
    assert refused.status_code == 422 and "one drawing alone" in refused.json()["error"]


def test_what_is_not_like_it_moves_away(ask: Ask) -> None:
    first = ask()
    other = ask(unlike={"png": _png(draw_sketch())})
    assert [h["score"] for h in first["hits"]] != [h["score"] for h in other["hits"]]
    assert "--not not.png" in other["command"]


@pytest.mark.parametrize(
    ("question", "status", "says"),
    [
        ({"like": None}, 422, "nothing is looked for"),
        ({"like": {"line": '{"drawing": []}'}}, 422, "no stroke"),
        ({"like": {"line": "{"}}, 422, ""),
        ({"like": {"png": "!!"}}, 422, "not a question"),
        ({"like": {"png": base64.b64encode(b"GIF89a").decode()}}, 422, ""),
        ({"like": {"path": "/etc/passwd"}}, 422, "not a question"),
        ({"gallery": "../0"}, 422, "no such gallery"),
        ({"offset": -1}, 422, "at most"),
        ({"count": 10**9}, 422, "at most"),
        ({"weight": float("1e309")}, 422, "not a question"),
        ({"weight": "x"}, 422, "not a question"),
        ({"more": [{"id": 10**6, "version": "v", "key": "k", "name": "n"}]}, 200, ""),
    ],
)
def test_a_question_that_is_none_gets_a_sentence(
    client: Client, question: dict[str, Any], status: int, says: str
) -> None:
    response = client.post("/api/find", content=json.dumps(asked(**question)))
    assert response.status_code == status and says in response.json().get("error", "")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_question_is_refused(client: Client, body: bytes) -> None:
    for place in ("/api/find", "/api/reveal", "/api/explain"):
        assert 400 <= client.post(place, content=body).status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/photo/0/{v}/../../../etc/passwd/small",
        "/photo/0/{v}/%2e%2e%2fetc%2fpasswd/small",
        "/photo/0/{v}/-1/small",
        "/photo/0/{v}/10/small",
        "/photo/0/{v}/99999999999999999999/small",
        "/photo/1/{v}/0/small",
        "/photo/0/other/0/small",
        "/photo/0/{v}/0/huge",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/__init__.py",
    ],
)
def test_nothing_but_photos_of_the_gallery_and_the_page_is_served(
    client: Client, ask: Ask, path: str
) -> None:
    response = client.get(path.format(v=ask()["version"]))
    assert 400 <= response.status_code < 500 and set(response.json()) == {"error"}


def test_awkward_names_are_shown_and_told_apart(tmp_path: Path) -> None:
    from sbir_cli.gallery import Gallery
    from sbir_cli.search import Searcher
    from sbir_cli.web.asking import parse
    from sbir_cli.web.finding import Finder

    names = [
        "<b>x<b>.jpg",
        "line\nbreak.jpg",
        os.fsdecode(b"l\xe9.jpg"),
        os.fsdecode(b"l\xe8.jpg"),
    ]
    for seed, name in enumerate(names):
        draw_photo(tmp_path / "p" / name, seed)
    update_gallery(tmp_path / "i.faiss", find_photos([tmp_path / "p"]), FakeEncoder())
    watched = WatchedGallery("0", Searcher(Gallery.open(tmp_path / "i.faiss"), FakeEncoder()))
    hits = Finder([watched]).find(parse(json.dumps(asked()).encode()))["hits"]
    shown = {hit["name"] for hit in hits}
    assert shown == {"<b>x<b>.jpg", "line\\nbreak.jpg", "l\\xe9.jpg", "l\\xe8.jpg"}
    assert len({hit["key"] for hit in hits}) == 4
    json.dumps(hits).encode()


def test_a_photo_that_is_gone_or_broken_is_said_to_be(client: Client, ask: Ask) -> None:
    answer = ask()
    one, two = answer["hits"][:2]
    Path(one["path"]).unlink()
    Path(two["path"]).write_bytes(b"no picture")
    codes = [
        client.get(f"/photo/0/{answer['version']}/{hit['id']}/small").status_code
        for hit in (one, two)
    ]
    assert codes == [404, 415]


def test_a_photo_that_was_changed_is_made_anew(client: Client, ask: Ask) -> None:
    answer = ask()
    hit = answer["hits"][0]
    address = f"/photo/0/{answer['version']}/{hit['id']}/small"
    before = client.get(address).content
    Image.new("RGB", (30, 20), "red").save(hit["path"])
    assert client.get(address).content != before


def test_opening_the_folder_needs_a_photo_of_the_gallery(
    client: Client, ask: Ask, revealed: list[Path]
) -> None:
    answer = ask()
    hit = answer["hits"][0]
    body = {"gallery": "0", "version": answer["version"], "id": hit["id"]}
    assert client.post("/api/reveal", json=body).status_code == 200
    assert revealed == [Path(hit["path"])]
    for wrong in ({"id": 1000}, {"version": "other"}, {"gallery": "9"}, {"id": "/etc"}):
        assert client.post("/api/reveal", json={**body, **wrong}).status_code >= 400
    assert len(revealed) == 1


def test_why_a_photo_was_found_by_a_model_that_is_loaded_once(
    client: Client, ask: Ask, index: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[tuple[Any, ...]] = []

    def load(*how: Any, **more: Any) -> WholeFakeEncoder:
        loaded.append(how)
        return WholeFakeEncoder()

    monkeypatch.setattr("sbir_cli.whole_model.load_encoder", load)
    for _ in range(2):  # the second time of another version of the gallery
        answer = ask()
        hit = answer["hits"][0]
        body = {**asked(), "version": answer["version"], "id": hit["id"]}
        why = client.post("/api/explain", json=body).json()
        assert "not what made the score" in why["meaning"] and why["pairs"] > 0
        data = base64.b64decode(why["picture"].removeprefix("data:image/png;base64,"))
        assert Image.open(io.BytesIO(data)).size == (1032, 1032)
        draw_photo(photos / "a-new-one.jpg", seed=77)
        update_gallery(index, find_photos([photos]), FakeEncoder())
    assert loaded == [("fake", "cpu")]
    Path(hit["path"]).unlink()
    for wrong, status, says in (
        ({}, 422, "the photo is gone"),
        ({"like": None}, 422, "only a drawing can be compared"),
        ({"like": {"line": '{"drawing": []}'}}, 422, "no stroke"),
        ({"version": "other"}, 410, "ask again"),
        ({"id": 10**6}, 422, "no photo 1000000"),
        ({"id": "../../etc/passwd"}, 422, "not a question"),
        ({"gallery": "9"}, 422, "no such gallery"),
    ):
        refused = client.post("/api/explain", json={**body, **wrong})
        assert refused.status_code == status and says in refused.json()["error"]


def test_a_model_that_cannot_be_loaded_in_full_is_one_sentence(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, *how: Any, **more: Any) -> WholeFakeEncoder:
        raise ModelError(f"{name}: its weights are not here")

    monkeypatch.setattr("sbir_cli.whole_model.load_encoder", load)
    answer = ask()
    body = {**asked(), "version": answer["version"], "id": answer["hits"][0]["id"]}
    refused = client.post("/api/explain", json=body)
    assert refused.status_code == 422
    assert refused.json()["error"] == "fake: its weights are not here"


def test_an_update_is_taken_up_and_old_photos_can_still_be_seen(
    client: Client, ask: Ask, index: Path, photos: Path
) -> None:
    old = ask()
    first = old["hits"][0]
    steer = {**{k: first[k] for k in ("id", "key", "name")}, "version": old["version"]}
    draw_photo(photos / "a-new-one.jpg", seed=77)  # every photo behind it gets another number
    update_gallery(index, find_photos([photos]), FakeEncoder())
    new = ask(more=[steer])
    assert new["photos"] == 11 and new["version"] != old["version"]
    assert new["hits"][0]["key"] == first["key"]
    assert new["steer"]["more"][0]["id"] == new["hits"][0]["id"] != first["id"]
    for answer in (old, new):
        for hit in answer["hits"]:
            address = f"/photo/0/{answer['version']}/{hit['id']}/small"
            assert client.get(address).status_code == 200


def test_a_gallery_of_another_model_or_a_damaged_one_leaves_the_old_one_in_use(
    client: Client, ask: Ask, index: Path, photos: Path
) -> None:
    old = ask()
    other = FakeEncoder(fingerprint="fake-2")
    update_gallery(index, find_photos([photos]), other, rebuild=True)
    kept = ask()
    assert kept["version"] == old["version"] and "start `sbir draw` again" in kept["note"]
    index.with_name("idx.faiss.db").write_bytes(b"nothing")
    kept = ask()
    assert kept["version"] == old["version"] and kept["note"]
    update_gallery(index, find_photos([photos]), FakeEncoder(), rebuild=True)
    assert ask()["note"] is None


def test_no_answer_mixes_two_versions(
    client: Client, index: Path, photos: Path, watched: WatchedGallery
) -> None:
    """Asked without pause while photos come and go; every path must be that of its number."""
    answers: list[dict[str, Any]] = []

    def keep_asking() -> None:
        for _ in range(60):
            answers.append(client.post("/api/find", json=asked()).json())

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(keep_asking) for _ in range(2)]
        for seed in range(100, 106):
            draw_photo(photos / f"a{seed}.jpg", seed)
            update_gallery(index, find_photos([photos]), FakeEncoder())
        for each in asking:
            each.result()
    assert len({answer["version"] for answer in answers}) > 1
    for answer in answers:
        assert len(answer["hits"]) == answer["photos"]
        held = watched.version(answer["version"])
        if held is not None:
            for hit in answer["hits"]:
                assert str(held.path(hit["id"])) == hit["path"]


def test_only_the_newest_question_of_a_page_is_answered(watched: WatchedGallery) -> None:
    from sbir_cli.web.asking import parse
    from sbir_cli.web.finding import Finder

    finder = Finder([watched])
    old, new, other = (
        parse(json.dumps(asked(page=page, number=number)).encode())
        for page, number in (("p", 1), ("p", 2), ("q", 1))
    )
    for each in (old, new, other):
        finder.announce(each)
    assert [finder.is_stale(each) for each in (old, new, other)] == [True, False, False]


def test_files_are_opened_as_query_reads_them(client: Client) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9" stroke="black"/></svg>'
    strokes = client.post("/api/read?name=a.svg", content=svg).json()["strokes"]
    assert strokes[0][0] == [100, 100] and strokes[-1][-1] == [900, 900]
    assert "strokes" in client.post("/api/read?name=a.ndjson", content=LINE.encode()).json()
    png = base64.b64decode(_png(draw_sketch()))
    picture = client.post("/api/read?name=a.png", content=png).json()["picture"]
    assert picture.startswith("data:image/png;base64,")
    for bad in (b"", b"no drawing", b"<svg", b"{}", b"\x89PNG\r\n\x1a\n"):
        refused = client.post("/api/read?name=bad", content=bad)
        assert refused.status_code == 422 and "bad" in refused.json()["error"]


def test_the_welcome_has_examples_that_are_drawn(client: Client) -> None:
    facts = client.get("/api/start").json()
    assert len(facts["examples"]) == 8 and all(len(e["strokes"]) > 2 for e in facts["examples"])
    assert facts["galleries"][0]["photos"] == 10
