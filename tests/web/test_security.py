"""Nobody but who was given the URL gets anything."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from served import Served


def ask(served: Served, path: str = "/api/traces", **options: Any) -> httpx.Response:
    """A request of a client that has no cookie."""
    return httpx.get(served.url + path, **options)


@pytest.mark.parametrize("path", ["/", "/assets/x.js", "/api/traces", "/api/events", "/?token=no"])
def test_without_the_token_nothing_is_told(served: Served, path: str) -> None:
    response = ask(served, path)
    assert response.status_code == 401
    assert "open the URL" in response.text


def test_token_in_the_url_becomes_a_cookie_that_no_script_and_no_other_page_has(
    served: Served,
) -> None:
    response = ask(served, f"/windows?token={served.token}&trace=a%26b")
    assert (response.status_code, response.headers["location"]) == (303, "/windows?trace=a%26b")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie


def test_redirect_never_leads_to_another_host(served: Served) -> None:
    response = ask(served, f"//evil.example/?token={served.token}")
    assert response.headers["location"] == "/evil.example/"


def test_token_can_be_given_as_a_header(served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    assert ask(served, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "foreign", ['prefs={"a": 1}; ', "x[y]=1; ", "name=M\u00fcller; ", "nothing; ", '"; ', ";;=;"]
)
def test_cookies_of_other_servers_of_the_host_do_not_lock_out(served: Served, foreign: str) -> None:
    ((name, value),) = served.client.cookies.items()
    header = f"{foreign}{name}={value}; last=1".encode("latin-1")
    assert ask(served, headers=[(b"cookie", header)]).status_code == 200
    wrong = f"{foreign}{name}={value}x; other={value}".encode("latin-1")
    assert ask(served, headers=[(b"cookie", wrong)]).status_code == 401


def test_token_in_the_url_is_no_way_to_the_data(served: Served) -> None:
    assert ask(served, f"/api/traces?token={served.token}").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_name_that_is_not_ours_is_refused(served: Served, host: str) -> None:
    response = served.client.get("/api/traces", headers={"Host": host})
    assert response.status_code in (400, 403)


def test_forwarded_port_of_localhost_is_fine(served: Served) -> None:
    assert served.client.get("/api/traces", headers={"Host": "localhost:9"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_page_of_another_origin_is_refused(served: Served, origin: str) -> None:
    response = served.client.get("/api/traces", headers={"Origin": origin})
    assert response.status_code == 403
    assert "may not ask" in response.json()["error"]


def test_request_that_the_browser_marks_as_foreign_is_refused(served: Served) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert served.client.get("/api/traces", headers=headers).status_code == 403


def test_own_origin_is_fine(served: Served) -> None:
    assert served.client.get("/api/traces", headers={"Origin": served.url}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/traces", "/api/nothing", "/assets/nothing"])
def test_every_answer_has_a_policy_without_inline_scripts(served: Served, path: str) -> None:
    headers = served.client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert not any(name.startswith("access-control") for name in headers)


@pytest.mark.parametrize(
    "path",
    ["../pages.py", "..%2fpages.py", "%00", "assets/%00", "%2e%2e/%2e%2e/errors.py", "/etc/passwd"],
)
def test_no_file_beside_the_pages_is_given_out(served: Served, path: str) -> None:
    response = served.client.get("/" + path)
    assert "from __future__" not in response.text and "root:" not in response.text
