"""What the console believes of a browser: its cookies, its forms, and where it wants to go."""

from typing import Any

import pytest
from fastapi import Request, Response

from console_api.pages import session
from console_api.pages.session import BASE, BadForm, Seals


def request(scheme: str = "http", **headers: str) -> Request:
    told = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "scheme": scheme, "path": BASE, "query_string": b"",
        "headers": [(b"host", b"shop.example"), *told], "server": ("shop.example", 80),
    }  # fmt: skip
    return Request(scope)


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        (f"{BASE}/approvals?id=apr-1", f"{BASE}/approvals?id=apr-1"),
        (BASE, BASE),
        (f"{BASE}?range=7d", f"{BASE}?range=7d"),
        ("", f"{BASE}/"),
        ("https://evil.example/", f"{BASE}/"),
        ("//evil.example/", f"{BASE}/"),
        (f"{BASE}//evil.example", f"{BASE}/"),
        (f"{BASE}/\\evil.example", f"{BASE}/"),
        (f"{BASE}/\r\nSet-Cookie: a=b", f"{BASE}/"),
        (f"{BASE}evil", f"{BASE}/"),
        ("/api/v1/dashboard", f"{BASE}/"),
    ],
)
def test_nobody_is_sent_elsewhere(asked: str, goes: str) -> None:
    assert session.inside(asked) == goes


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"origin": "http://shop.example"},
        {"sec_fetch_site": "same-origin", "origin": "null"},
    ],
)
def test_our_own_forms_are_believed(headers: dict[str, str]) -> None:
    session.check_origin(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://shop.example"},
        {"sec_fetch_site": "none"},
        {"origin": "http://evil.example"},
        {"origin": "http://shop.example:81"},
        {"origin": "null"},
    ],
)
def test_forms_from_elsewhere_are_not(headers: dict[str, str]) -> None:
    with pytest.raises(BadForm):
        session.check_origin(request(**headers))


def test_a_form_token_is_for_one_session_and_one_process() -> None:
    seals = Seals()
    token = seals.form_token("s1")
    assert seals.is_ours(token, "s1")
    assert seals.is_ours(seals.form_token("s1"), "s1")
    assert token != seals.form_token("s1"), "pages are packed: equal parts would tell of each other"
    assert not seals.is_ours(token, "s2")
    assert not Seals().is_ours(token, "s1")
    for bad in ("", "é", token[:-1], token + "0"):
        assert not seals.is_ours(bad, "s1")


def test_a_sealed_word_comes_back_only_unchanged() -> None:
    seals = Seals()
    sealed = seals.seal(["ok", "Approved é"])
    assert seals.open(sealed) == ["ok", "Approved é"]
    for bad in ("", ".", "x" + sealed, sealed + "x", Seals().seal(["ok", "forged"])):
        assert seals.open(bad) is None


def test_cookies_are_bound_to_the_host_where_there_is_https() -> None:
    for scheme, name in (("http", "bos_session"), ("https", "__Host-bos_session")):
        response = Response()
        session.begin(request(scheme), response, "bos_1_secret")
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(f"{name}=bos_1_secret;")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert ("Secure" in cookie) is (scheme == "https")
        assert "Domain" not in cookie
