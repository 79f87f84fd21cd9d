"""The API answers, takes the admin's token and nothing without one."""

import os
import urllib.error
import urllib.request

url, token = os.environ["API_URL"], os.environ["API_TOKEN"]


def status(path, headers):
    try:
        request = urllib.request.Request(url + path, headers=headers)
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code


for path, headers, wanted in (
    ("/healthz", {}, 200),
    ("/readyz", {}, 200),
    ("/v1/experiments", {"Authorization": f"Bearer {token}"}, 200),
    ("/v1/experiments", {"Authorization": "Bearer wrong"}, 401),
    ("/v1/experiments", {}, 401),
):
    found = status(path, headers)
    assert found == wanted, f"{path} answered {found} and not {wanted}"
print(f"{url} is healthy and asks for a token")
