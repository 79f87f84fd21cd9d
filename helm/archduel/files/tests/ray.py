"""Ray takes its token, and refuses a wrong one and none."""

import os
import urllib.error
import urllib.request

url, token = os.environ["RAY_URL"], os.environ["RAY_TOKEN"]


def status(headers):
    try:
        request = urllib.request.Request(f"{url}/api/jobs/", headers=headers)
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code


assert (found := status({"Authorization": f"Bearer {token}"})) == 200, f"its token: {found}"
assert (found := status({})) == 401, f"no token: {found} instead of 401"
assert (found := status({"Authorization": "Bearer " + "0" * 43})) == 403, f"wrong token: {found}"
print(f"{url} asks for its token")
