"""An object is written, read and deleted where the service keeps its files."""

import os
import uuid

import fsspec

endpoint = os.environ.get("ARCHDUEL_S3_ENDPOINT_URL")
store = fsspec.filesystem("s3", **({"endpoint_url": endpoint} if endpoint else {}))
path = f"{os.environ['ARCHDUEL_STORE_URL']}/helm-test-{uuid.uuid4().hex}"
wanted = os.urandom(4096)
store.pipe_file(path, wanted)
try:
    assert store.cat_file(path) == wanted, "the object came back changed"
finally:
    store.rm_file(path)
print(f"an object went to {path} and back")
