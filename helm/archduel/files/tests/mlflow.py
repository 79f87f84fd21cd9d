"""MLflow is up and reaches its database."""

import json
import os
import urllib.request

url = os.environ["MLFLOW_URL"]
urllib.request.urlopen(f"{url}/health", timeout=20)
asked = urllib.request.Request(
    f"{url}/api/2.0/mlflow/experiments/search",
    data=json.dumps({"max_results": 1}).encode(),
    headers={"Content-Type": "application/json"},
)
json.load(urllib.request.urlopen(asked, timeout=20))
print(f"{url} is healthy and reads its database")
